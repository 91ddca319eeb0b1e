# Settings of the Gnocchi part; sourced.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
PORT=18041
URL=http://127.0.0.1:$PORT
