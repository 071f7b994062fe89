#!/usr/bin/env bash
# ./run demo: LGPN from its description in C to one executable file, run on pictures.
# Usage: demo.sh LGPNC [MODEL]; works in demo/ beside the program.
set -euo pipefail

lgpnc=$(realpath -- "${1:?usage: demo.sh LGPNC [MODEL]}")
model=${2:-lgpn}
folder=$(dirname -- "$lgpnc")/demo
if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

# show WORDS...: prints the command as one would type it, then runs it.
show() {
    printf '%s$ %s%s\n' "$bold" "$*" "$plain"
    "$@"
}
lgpnc() { "$lgpnc" "$@"; }
seconds() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(seconds)" 'BEGIN { printf "%.2f", b - a }'; }

mkdir -p -- "$folder"
cd -- "$folder"
"$(dirname -- "$lgpnc")/lib/demo_photos"

printf '\n%s1. Weights.%s There is no trained checkpoint here, so they are drawn at random (seed 1).\n' \
    "$bold" "$plain"
show lgpnc init "$model" --seed=1 -o lgpn.safetensors

printf '\n%s2. Compile%s the network, weights and image decoding to one file.\n' "$bold" "$plain"
start=$(seconds)
show lgpnc build "$model" --weights=lgpn.safetensors -o lgpn --verbose
printf 'took %s s\n' "$(since "$start")"

printf '\n%s3. What it is.%s No Python, no framework, no model file beside it:\n' "$bold" "$plain"
show ls -lh lgpn
show ldd lgpn

printf '\n%s4. Parse an image.%s\n' "$bold" "$plain"
show ./lgpn scene.jpg
start=$(seconds)
./lgpn --json scene.jpg grid.jpg clouds.jpg >predictions.json
printf '\n$ ./lgpn --json scene.jpg grid.jpg clouds.jpg >predictions.json\n'
printf 'took %s s for %s images, from launch to exit\n' "$(since "$start")" \
    "$(wc -l <predictions.json | tr -d ' ')"

cat <<END

${bold}The weights are untrained: what it says of the pictures means nothing.${plain} Everything else
is as it will be with a trained checkpoint: LGPN's released one has the same tensor names and goes
into --weights as a safetensors file.

All of it is in $folder. Next:
  build/lgpnc build lgpn --emit=ir | less           the network as the compiler sees it
  build/lgpnc build lgpn --emit=kernel-ir | less    its kernels: loops, tiles, registers
  build/lgpnc bench lgpn                            where the time goes
  build/lgpnc build lgpn --emit=object -o lgpn.o    kernels for your own program: docs/embedding.md
  README.md                                         the tour
END
