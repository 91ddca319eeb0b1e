#!/bin/sh
# test.sh: what can be tested without a sandbox, with the compiler that build.sh installed.
set -eu
cd "$(dirname "$0")"
.tools/bin/python-zig cc -g -Wall test/test_lines.c lines.c -o test/test_lines
test/test_lines
