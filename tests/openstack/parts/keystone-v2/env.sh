# Settings of the part with the last Keystone that has version 2.0; sourced.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
PORT=15500
PORT_ADMIN=15535
URL=http://127.0.0.1:$PORT
URL_ADMIN=http://127.0.0.1:$PORT_ADMIN
# serve.py names this Keystone's own; the one set here is the bed's.
unset OS_KEYSTONE_CONFIG_FILES
