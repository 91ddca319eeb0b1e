#!/bin/bash
# up.sh: the last Ceilometer that has the v2 API (9.0.7, Pike, 2017) behind the
# test-bed's Keystone, on SQLite, with seeded samples. Needs the test-bed up.
#   up.sh            install what is missing, load the snapshot when there is no
#                    database, start
#   up.sh --reset    back to the seeded state
#   up.sh --fresh    seed anew through its API, take a new snapshot
# Runs on Python 3.6 to 3.11 (CASO_PART_PYTHON names another python3; constraints.txt
# is of 3.11).
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$PART"
take_mode "--fresh --reset" "$@"

need_the_bed
environment 'setuptools<58' wheel -- ceilometer==9.0.7

[ -n "$mode" ] && { ./down.sh > /dev/null; rm -rf "$HERE/run"; }
./configure.sh
python3 ../register.py "$KEYSTONE" metering ceilometer "$URL" ceilometer
keep_ceilometers_id
new=
if [ ! -e "$HERE/run/ceilometer.db" ]; then
  if [ "$mode" != --fresh ] && [ -e golden/ceilometer.db.xz ]; then
    say "loading the snapshot"
    xz -dc golden/ceilometer.db.xz > "$HERE/run/ceilometer.db"
  else
    say "making the tables"
    new=yes
    "$PYTHON" serve.py "$PORT" "$HERE" upgrade 2> /dev/null
  fi
fi

start "$HERE/pid/ceilometer" "$HERE/log/api.out" "$PYTHON" serve.py "$PORT" "$HERE"
await "$HERE/pid/ceilometer" "$HERE/log/api.out" answers "$URL/"

if [ -n "$new" ]; then
  say "seeding"
  python3 seed.py "$KEYSTONE" "$URL" "$RUN/ids.json"
  ./down.sh > /dev/null
  say "taking the snapshot"
  mkdir -p golden
  snapshot "$HERE/run/ceilometer.db" golden/ceilometer.db.xz
  exec ./up.sh
fi
say "ceilometer answers at $URL (service type metering in the catalog)"
