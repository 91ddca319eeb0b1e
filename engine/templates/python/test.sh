#!/bin/sh
# test.sh: what can be tested without a sandbox.
set -eu
cd "$(dirname "$0")"
python3 -B -m unittest -v
