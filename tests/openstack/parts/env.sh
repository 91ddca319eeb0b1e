# What the parts share; sourced with PART set. Everything that a part makes lives in
# the test-bed's own folder, under parts/PART.
# shellcheck shell=bash disable=SC2034
PARTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../bed/env.sh
. "$PARTS/../bed/env.sh"
BED=$("$PARTS/../openstack" home)
RUN=$BED/run
HOME_OF_PART=$BED/parts/$PART
KEYSTONE=http://127.0.0.1:$KEYSTONE_PORT/v3
METRIC_PORT=18041
METERING_PORT=18777
