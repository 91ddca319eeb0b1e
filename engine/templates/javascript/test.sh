#!/bin/sh
# test.sh: what can be tested without a sandbox.
set -eu
cd "$(dirname "$0")"
node --test
