#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder. The first time it installs what
# builds it into .tools.
set -eu
cd "$(dirname "$0")"
# What is in .tools knows where it lies: in a folder that was moved or copied it is installed anew.
wanted=$(pwd; cat requirements.txt)
if [ "$wanted" != "$(cat .tools/installed 2> /dev/null)" ]; then
  rm -rf .tools
  python3 -m venv .tools
  .tools/bin/pip install --quiet -r requirements.txt
  printf '%s\n' "$wanted" > .tools/installed
fi
# Without anything of WASI: there is nothing to grant but what the component asks for.
# From a folder of its own, in which there is nothing else to import.
rm -rf .build && mkdir .build && cp *.py .build && rm -f .build/test_*.py
.tools/bin/componentize-py -d wit -w messenger componentize --stub-wasi -p .build component -o @NAME@.wasm
ls -l @NAME@.wasm
