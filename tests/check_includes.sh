#!/usr/bin/env bash
# Includes point one way: ir <- frontend, passes, codegen; frontend <- models; the runtime alone.
# Every #include "..." of a C file is written from the project root and names a folder that the
# row of its own folder allows; LLVM is codegen's.
set -euo pipefail

# folder: what its files may include, as an extended regular expression
declare -A allowed=(
    [ir]='ir/'
    [frontend]='(ir|frontend)/'
    [passes]='(ir|passes)/'
    [codegen]='(ir|codegen)/|runtime/(artifact|matrix_unit)\.h$'
    [runtime]='runtime/'
    [models]='(frontend|models)/'
    [bench]='runtime/'
    [tools]='.'
    [tests]='.'
)

cd -- "${1:-$(dirname -- "$0")/..}"
checked=0
wrong=0

# check FOLDER FILE:LINE INCLUDED
check() {
    checked=$((checked + 1))
    if [[ ! $3 =~ ^(${allowed[$1]}) ]]; then
        echo "$2: $1/ may not include \"$3\" (allowed: ${allowed[$1]})" >&2
        wrong=$((wrong + 1))
    fi
}

for folder in "${!allowed[@]}"; do
    [[ -d $folder ]] || continue
    while IFS=: read -r file line text; do
        [[ $text =~ \"([^\"]*)\" ]] && check "$folder" "$file:$line" "${BASH_REMATCH[1]}"
    done < <(grep -rnE --include='*.[ch]' --include='*.def' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$folder")
    case $folder in codegen | tools | tests) continue ;; esac
    if grep -rnE --include='*.[ch]' '#[[:space:]]*include[[:space:]]*<llvm' "$folder" >&2; then
        echo "$folder/ may not include LLVM" >&2
        wrong=$((wrong + 1))
    fi
done

if ((checked == 0)); then
    echo "no #include \"...\" found in $PWD" >&2
    exit 1
fi
echo "$checked includes, $wrong wrong"
((wrong == 0))
