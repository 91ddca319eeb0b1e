#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder. The first time it installs what
# builds it into node_modules.
set -eu
cd "$(dirname "$0")"
if ! [ -d node_modules/@bytecodealliance/componentize-js ]; then
  echo "installing what builds it, from $(npm config get registry) (a minute)" >&2
  npm install --no-fund --no-audit --loglevel=error --fetch-retries=1 || {
    echo "npm could not install it: can this machine reach that address, by npm's \`proxy\` where there is one?" >&2
    exit 1
  }
fi
node build.mjs
ls -l @NAME@.wasm
