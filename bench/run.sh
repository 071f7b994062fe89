#!/usr/bin/env bash
# lgpnc beside ONNX Runtime and others, on this machine: see docs/performance.md.
# Peers are installed with pip into BUILD/bench-venv; nothing outside of BUILD is touched.
set -euo pipefail

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
root=$(dirname -- "$here")
build=$root/build
torch_from=any
keep=()
export PYTHONDONTWRITEBYTECODE=1 # the source tree stays as it is
model=(image=256 width=64 feat=512 dim=128 blocks=3-4-6-3 batch=1)
compare=()

usage() {
    cat <<END
Usage: bench/run.sh [OPTION...]
Compiles LGPN and measures it beside ONNX Runtime, OpenVINO and PyTorch, in turns.

  --threads=LIST      threads, or a table for each of several: 2,1 (default 2)
  --rounds=N          rounds; each runs every contender once (9)
  --contenders=LIST   peers beside ONNX Runtime: openvino,torch,torch-channels-last,torch-compile
  --image=N --width=N --feat=N --dim=N --blocks=A-B-C-D --batch=N
                      size of the network (256 64 512 128 3-4-6-3 1)
  --torch=any|pip     PyTorch: what Python has, else the newest (any); the newest from PyPI (pip;
                      some GB)
  --build=DIR         the build folder (build)
  --update            write the tables into docs/performance.md

PYTHON names the Python to take (default: /usr/bin/python3, else python3). Without network, put
wheels in a folder and set PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER.
END
}

die() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

# set_size NAME VALUE: of the network
set_size() {
    local i
    [[ $2 =~ ^[0-9]+(-[0-9]+)*$ ]] || { printf 'bench: --%s=%s: a number is wanted\n' "$1" "$2" >&2; exit 2; }
    for i in "${!model[@]}"; do
        [[ ${model[i]} != "$1="* ]] || model[i]=$1=$2
    done
}

for argument; do
    value=${argument#*=}
    case $argument in
    --threads=* | --rounds=* | --contenders=* | --update) compare+=("$argument") ;;
    --image=* | --width=* | --feat=* | --dim=* | --blocks=* | --batch=*)
        name=${argument%%=*}
        set_size "${name#--}" "$value"
        ;;
    --torch=any | --torch=pip) torch_from=$value ;;
    --build=*) build=$(realpath -- "$value") ;;
    --help | -h) usage; exit ;;
    *)
        printf 'bench: unknown option %s\n' "$argument" >&2
        usage >&2
        exit 2
        ;;
    esac
done

[[ -x $build/lgpnc ]] || die "$build/lgpnc is not there: ./run build makes it"
folder=$build/bench-work
venv=$build/bench-venv
mkdir -p -- "$folder"

# step NAME TEXT COMMAND...: quietly; the end of its log is shown if it fails.
step() {
    local log=$folder/log-$1 text=$2
    shift 2
    printf '%s\n' "$text"
    "$@" >"$log" 2>&1 </dev/null && return
    tail -n 20 -- "$log" >&2
    printf 'bench: "%s" failed; all of its output: %s\n' "$text" "$log" >&2
    return 1
}
has() { "$venv/bin/python" -c "import $1" 2>/dev/null; }
install() {
    step "pip-$1" "Installing $1 from PyPI" "$venv/bin/python" -m pip install "${keep[@]}" "$@"
}

make_venv() {
    local python=${PYTHON-}
    [[ -n $python ]] || { [[ -x /usr/bin/python3 ]] && python=/usr/bin/python3 || python=python3; }
    command -v "$python" >/dev/null || die "no $python; on Debian: apt-get install python3 python3-venv"
    # PyTorch of the system is seen from inside
    step venv "Making a Python environment in $venv" "$python" -m venv --system-site-packages "$venv" ||
        { rm -rf -- "$venv"; die "Python's venv module is missing; on Debian: apt-get install python3-venv"; }
}

prepare_peers() {
    [[ -x $venv/bin/python ]] || make_venv
    if [[ $torch_from == any ]] && has 'torch, numpy as n; assert int(n.__version__[0]) < 2'; then
        keep=('numpy<2') # that PyTorch was built against it
    fi
    has onnxruntime || install onnxruntime ||
        die "the comparison needs ONNX Runtime, and pip could not install it (no network?);" \
            "see bench/run.sh --help for how to do without"
    has openvino || install openvino || printf 'bench: going on without OpenVINO\n' >&2
    if [[ $torch_from == pip ]]; then
        has 'torch, sys; assert torch.__file__.startswith(sys.prefix)' ||
            install torch --upgrade --ignore-installed ||
            die "pip could not install PyTorch"
    elif ! has torch; then
        install torch || die "the reference network needs PyTorch, and pip could not install it;" \
            "on Debian: apt-get install python3-torch"
    fi
    has onnx || install onnx || true # newer PyTorch exports with it
}

prepare_peers
step worker "Building the contender of lgpnc" cmake --build "$build" --target bench_artifact demo_photos
options=()
for pair in "${model[@]}"; do
    options+=("--${pair%%=*}" "${pair#*=}")
done
step export "Exporting the reference: weights, inputs, outputs, ONNX" \
    "$venv/bin/python" "$here/export.py" --out "$folder" "${options[@]}"
(cd -- "$folder" && step photos "Making a picture" "$build/lib/demo_photos")
spec=lgpn:$(IFS=,; printf '%s' "${model[*]}")
"$venv/bin/python" "$here/compare.py" --folder="$folder" --model="$spec" --lgpnc="$build/lgpnc" \
    --worker="$build/lib/bench_artifact" --photo="$folder/scene.jpg" "${compare[@]}"
