#!/bin/bash
# build.sh OUT.wasm [WIT [SOURCE]]: the Python messenger as a component. Needs, on PATH or
# named by COMPONENTIZE_PY, componentize-py (PyPI).
#
# `--stub-wasi` leaves it without any WASI import, so that there is nothing to grant
# but what it asks for.
set -euo pipefail
out=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
wit=${2:-$here/../../../wit}
# Frozen from a folder of its own, or the interpreter leaves its cache in this one.
module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
cp "${3:-$here/jsonl.py}" "$module/jsonl.py"
"${COMPONENTIZE_PY:-componentize-py}" -d "$wit" -w messenger \
  componentize --stub-wasi -p "$module" jsonl -o "$out"
