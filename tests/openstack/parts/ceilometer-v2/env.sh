# Settings of the part with the old Ceilometer API; sourced.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
PORT=18777
URL=http://127.0.0.1:$PORT
