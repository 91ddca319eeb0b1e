#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder. The first time it installs what
# builds it into .tools.
set -eu
cd "$(dirname "$0")"
if ! cmp -s requirements.txt .tools/installed; then
  rm -rf .tools
  python3 -m venv .tools
  .tools/bin/pip install --quiet -r requirements.txt
  cp requirements.txt .tools/installed
fi
# Without anything of WASI: there is nothing to grant but what the component asks for.
# From a folder of its own, in which there is nothing else to import.
rm -rf .build && mkdir .build && cp *.py .build && rm -f .build/test_*.py
.tools/bin/componentize-py -d wit -w messenger componentize --stub-wasi -p .build component -o @NAME@.wasm
ls -l @NAME@.wasm
