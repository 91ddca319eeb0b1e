#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder. The first time it installs what
# builds it into node_modules.
set -eu
cd "$(dirname "$0")"
[ -d node_modules/@bytecodealliance/componentize-js ] || npm install --no-fund --no-audit --loglevel=error
node build.mjs
ls -l @NAME@.wasm
