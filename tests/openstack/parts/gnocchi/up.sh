#!/bin/bash
# up.sh: a real Gnocchi (metric API) beside the test-bed, behind its Keystone, on
# its MariaDB, with seeded measures. Needs the test-bed up.
#   up.sh            install what is missing, load the snapshot when the database
#                    is not there (a reset of the test-bed throws it away), start
#   up.sh --reset    back to the seeded state
#   up.sh --fresh    seed anew (other ids), take a new snapshot, write truth.json
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$PART"
take_mode "--fresh --reset" "$@"

need_the_bed
environment 'setuptools<81'

[ -n "$mode" ] && { ./down.sh > /dev/null; sql -e 'drop database if exists gnocchi'; }
new=
if ! sql -N -e "show databases like 'gnocchi'" | grep -q gnocchi; then
  new=yes
  ./down.sh > /dev/null
  rm -rf "$HERE/run"
  sql -e 'create database gnocchi'
  if [ "$mode" != --fresh ] && [ -e golden/db.sql.xz ]; then
    say "loading the snapshot"
    xz -dc golden/db.sql.xz | sql gnocchi
    mkdir -p "$HERE/run"
    tar xf golden/data.tar.xz -C "$HERE/run"
    new=
  fi
fi
./configure.sh
python3 ../register.py "$KEYSTONE" metric gnocchi "$URL" gnocchi ceilometer
keep_ceilometers_id
if [ -n "$new" ]; then
  say "making the tables"
  "$HERE/venv/bin/gnocchi-upgrade" --config-file "$HERE/etc/gnocchi.conf"
fi

start "$HERE/pid/gnocchi" "$HERE/log/api.out" "$PYTHON" serve.py "$PORT" "$HERE/etc/gnocchi.conf" "$HERE"
await "$HERE/pid/gnocchi" "$HERE/log/api.out" answers "$URL/"

if [ -n "$new" ]; then
  say "seeding"
  "$PYTHON" seed.py "$KEYSTONE" "$URL" "$RUN/ids.json"
  ./metricd.sh
  say "taking the snapshot"
  mkdir -p golden
  dump --skip-dump-date gnocchi > golden/db.sql.xz
  tar cJf golden/data.tar.xz -C "$HERE/run" data
fi
say "gnocchi answers at $URL (service type metric in the catalog)"
