# Shared settings of the part; sourced.
# shellcheck shell=bash disable=SC2034
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bed=$("$here/../../openstack" home)
home=$bed/parts/prometheus
ids=$bed/run/ids.json
PORT=19090
PORT_TLS=19091
USER_NAME=caso
PASSWORD=secret
