#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder.
set -eu
cd "$(dirname "$0")"
# The folder is named: a setting of yours may have another one.
cargo build --release --target wasm32-wasip2 --target-dir target
cp "target/wasm32-wasip2/release/$(echo @NAME@ | tr - _).wasm" @NAME@.wasm
ls -l @NAME@.wasm
