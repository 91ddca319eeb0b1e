#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder. The first time it installs what
# builds it into node_modules.
set -eu
cd "$(dirname "$0")"
if [ ! -d node_modules/@bytecodealliance/componentize-js ]; then
  echo "installing what builds it into node_modules (once, a minute)" >&2
  npm install --no-fund --no-audit --loglevel=error --fetch-retries=1
fi
node build.mjs
ls -l @NAME@.wasm
