# Settings of the Prometheus part; sourced.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
IDS=$RUN/ids.json
PORT=19090
PORT_TLS=19091
USER_NAME=caso
PASSWORD=secret
