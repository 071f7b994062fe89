#!/usr/bin/env bash
# Makes tests/goldens/lgpn/, resnet/, fen_pn/ and layers.safetensors again. Needs Debian's
# python3-torch; the committed files are of PyTorch 1.13.
set -euo pipefail
cd -- "$(dirname -- "$0")"

# case_of NAME SIZE BATCH SEED [OPTION OF training]
case_of() {
    for what in golden training; do
        "${PYTHON:-/usr/bin/python3}" lgpn_ref.py "$what" --out "lgpn/$1" --size "$2" --batch "$3" --seed "$4" \
            --width 8 --feat 32 --dim 16 --blocks 1,1,1,1 "${@:5}"
    done
}
case_of square 32 2 1 --full
case_of mixed_graph 32 1 2 --continuous
case_of odd 37 3 3

"${PYTHON:-/usr/bin/python3}" resnet_ref.py golden --out resnet/small --size 40 --batch 2 --classes 5 --seed 1
"${PYTHON:-/usr/bin/python3}" resnet_ref.py training --out resnet/small --size 33 --batch 2 --width 8 --seed 1
"${PYTHON:-/usr/bin/python3}" layers.py
"${PYTHON:-/usr/bin/python3}" fen_pn_ref.py --out fen_pn/small
