#!/bin/sh
# build.sh: the component, as @NAME@.wasm in this folder. The first time it installs what
# builds it into .tools (zig, as a C compiler with its own libc, and wasm-tools).
#
# gen/ is what `wit-bindgen c` (0.61.1) makes of wit/ for the world.
set -eu
cd "$(dirname "$0")"
if ! cmp -s requirements.txt .tools/installed; then
  rm -rf .tools
  python3 -m venv .tools
  .tools/bin/pip install --quiet -r requirements.txt
  cp requirements.txt .tools/installed
fi
# A small stack: zig's own of 16 MiB would be of the instance's memory.
.tools/bin/python-zig cc -target wasm32-wasi -mexec-model=reactor -Os -s -Wall -Wl,-z,stack-size=65536 \
  -Igen *.c gen/@WORLD@.c gen/@WORLD@_component_type.o -o core.wasm
.tools/bin/wasm-tools component new core.wasm -o @NAME@.wasm
rm -f core.wasm
ls -l @NAME@.wasm
