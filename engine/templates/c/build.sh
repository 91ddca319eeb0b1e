#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder. The first time it installs what
# builds it into .tools (zig, as a C compiler with its own libc, and wasm-tools).
#
# gen/ is what `wit-bindgen c` (0.61.1) makes of wit/ for the world.
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
# A small stack: zig's own of 16 MiB would be of the instance's memory. Without `-g` no function
# keeps its name, by which a trap is reported; `strip` takes the rest of it out again.
.tools/bin/python-zig cc -target wasm32-wasi -mexec-model=reactor -Os -g -Wall -Wl,-z,stack-size=65536 \
  -Igen *.c gen/@WORLD@.c gen/@WORLD@_component_type.o -o .debug.wasm
.tools/bin/wasm-tools strip .debug.wasm -o .core.wasm
.tools/bin/wasm-tools component new .core.wasm -o @NAME@.wasm
rm -f .debug.wasm .core.wasm
ls -l @NAME@.wasm
