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

started=$SECONDS
say() { printf '[%3d s] %s\n' $((SECONDS - started)) "$*"; }

mode=${1:-}
case "$mode" in
  --fresh | --reset | "") ;;
  *)
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac

curl -s -o /dev/null "$KEYSTONE" || { echo "the test-bed is not up: tests/openstack/openstack up"; exit 1; }
mkdir -p "$HERE"
if [ ! -e "$HERE/venv/.ok" ]; then
  say "making the virtual environment"
  [ -d "$HERE/venv" ] || python3 -m venv "$HERE/venv"
  "$HERE/venv/bin/pip" install -q -U pip 'setuptools<81'
  "$HERE/venv/bin/pip" install -q -r req.txt -c constraints.txt
  touch "$HERE/venv/.ok"
fi

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
keep_ceilometers_id "$CEILOMETERS_ID"
if [ -n "$new" ]; then
  say "making the tables"
  "$HERE/venv/bin/gnocchi-upgrade" --config-file "$HERE/etc/gnocchi.conf"
fi

if ! { [ -e "$HERE/run/pid" ] && kill -0 "$(cat "$HERE/run/pid")" 2>/dev/null; }; then
  say "starting the API"
  setsid nohup "$PYTHON" serve.py "$PORT" "$HERE/etc/gnocchi.conf" "$HERE" \
    > "$HERE/run/log/api.out" 2>&1 < /dev/null &
  echo $! > "$HERE/run/pid"
fi
for _ in $(seq 300); do
  curl -s -o /dev/null "$URL/" && break
  sleep .1
done
curl -s -o /dev/null "$URL/" || { echo "nothing answers on port $PORT; see $HERE/run/log"; exit 1; }

if [ -n "$new" ]; then
  say "seeding"
  "$PYTHON" seed.py "$KEYSTONE" "$URL" "$RUN/ids.json"
  ./metricd.sh
  say "taking the snapshot"
  mkdir -p golden
  mariadb-dump --no-defaults -uroot -S "$RUN/mysql.sock" --single-transaction --skip-dump-date gnocchi \
    | xz -6 > golden/db.sql.xz
  tar cJf golden/data.tar.xz -C "$HERE/run" data
fi
say "gnocchi answers at $URL (service type metric in the catalog)"
