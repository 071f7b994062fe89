#!/usr/bin/env bash
# Runs the `; RUN:` lines (or `// RUN:`) of one IR file, each of which must succeed:
#   ; RUN: %lgpnc opt %s --passes=simplify | FileCheck %s
# %lgpnc is the program, %s the file, %t a scratch path of this test alone. A pipe fails with any
# of its parts. Lines after the first are optional; a file without one fails.
set -euo pipefail

[[ $# == 1 ]] || { echo "usage: LGPNC=path run_filecheck.sh FILE.ir" >&2; exit 2; }
file=$(realpath -- "$1")
: "${LGPNC:?is not set to the path of lgpnc}"
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
temp=$scratch/$(basename -- "$file").tmp
export LGPNC file temp

FileCheck() { FileCheck-19 --dump-input-context=10 "$@"; }
export -f FileCheck

mapfile -t commands < <(sed -nE 's,^(;|//) RUN: *,,p' "$file")
if ((${#commands[@]} == 0)); then
    echo "$file: no '; RUN:' line" >&2
    exit 1
fi

cd -- "$scratch"
for command in "${commands[@]}"; do
    # Variables, not values: a path may hold spaces.
    script=${command//%lgpnc/'"$LGPNC"'}
    script=${script//%s/'"$file"'}
    script=${script//%t/'"$temp"'}
    status=0
    bash -euo pipefail -c "$script" || status=$?
    if ((status != 0)); then
        echo "$file: exit $status from: $command" >&2
        exit 1
    fi
done
