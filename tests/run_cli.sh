#!/usr/bin/env bash
# Runs one script of tests/cli in an empty folder that is removed afterwards, with LGPNC (the
# program) and SOURCE (the project's folder) in the environment. The first command that fails ends
# the script.
set -euo pipefail

[[ $# == 1 ]] || { echo "usage: LGPNC=path SOURCE=folder run_cli.sh SCRIPT" >&2; exit 2; }
: "${LGPNC:?is not set to the path of lgpnc}" "${SOURCE:?is not set to the project folder}"
export LGPNC SOURCE
script=$(realpath -- "$1")
scratch=$(mktemp -d)
trap 'chmod -R u+w -- "$scratch"; rm -rf -- "$scratch"' EXIT
cd -- "$scratch"
bash -euo pipefail "$script"
