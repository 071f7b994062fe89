#!/usr/bin/env bash
# lgpnc beside its peers, on this machine: see docs/performance.md.
# Peers are installed with pip into BUILD/bench/environments; nothing outside of BUILD is touched.
set -euo pipefail

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
root=$(dirname -- "$here")
build=$root/build
compare=()
export PYTHONDONTWRITEBYTECODE=1 # the source tree stays as it is

usage() {
    cat <<END
Usage: bench/run.sh [OPTION...]
Compiles networks with lgpnc and measures them beside other compilers and libraries, in turns.

  --network=LIST      lgpn-256 (default), lgpn-64, resnet50, resnet50-batch8, several with ;
                      between them, a model as lgpnc names it (lgpn:image=128), or all;
                      steps of training: train-lgpn-256, train-lgpn-64, train:MODEL
  --threads=LIST      threads, or a table for each of several: 2,1 (default 2)
  --rounds=N          rounds; each runs every contender once (9)
  --peers=LIST        peers beside ONNX Runtime (of training, beside PyTorch), or all
                      (default): openvino, torch,
                      torch-channels-last, inductor, inductor-freezing, inductor-max-autotune,
                      aot-inductor, xla, mnn, ncnn, iree, tvm, tvm-tuned,
                      tinygrad
  --options=OPTIONS   more options of \`lgpnc build', in one argument
  --compile-seconds=N the longest that a peer may compile (300)
  --build=DIR         the build folder (build)
  --update            write the tables into docs/performance.md

The first run installs PyTorch and others from PyPI (some GB); what peers compile is kept for the
next. A peer that does not install, compile or agree is left out, and the report says why.
PYTHON names the Python to take (default: /usr/bin/python3, else python3). Without network, put
wheels in a folder and set PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER.
END
}

die() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

for argument; do
    case $argument in
    --network=* | --threads=* | --rounds=* | --peers=* | --options=* | --compile-seconds=* | \
        --update) compare+=("$argument") ;;
    --build=*) build=$(realpath -- "${argument#*=}") ;;
    --help | -h) usage; exit ;;
    *)
        printf 'bench: unknown option %s\n' "$argument" >&2
        usage >&2
        exit 2
        ;;
    esac
done

[[ -x $build/lgpnc ]] || die "$build/lgpnc is not there: ./run build makes it"
folder=$build/bench
mkdir -p -- "$folder/environments"
log=$folder/log-worker
cmake --build "$build" --target bench_artifact >"$log" 2>&1 </dev/null ||
    { tail -n 20 -- "$log" >&2; die "bench_artifact could not be built; all of its output: $log"; }

python=${PYTHON-}
[[ -n $python ]] || { [[ -x /usr/bin/python3 ]] && python=/usr/bin/python3 || python=python3; }
command -v "$python" >/dev/null || die "no $python; on Debian: apt-get install python3 python3-venv"
# compare.py runs in the environment of ONNX Runtime, without which there is nothing to compare with
base=$("$python" "$here/environments.py" "$folder/environments" "$python" base) ||
    die "the comparison needs ONNX Runtime; see bench/run.sh --help for how to do without network"
"$base" "$here/compare.py" --folder="$folder" --python="$python" --lgpnc="$build/lgpnc" \
    --worker="$build/lib/bench_artifact" --photo="$here/../tests/goldens/images/photo.jpg" "${compare[@]}"
