#!/bin/bash
# up.sh: the last Ceilometer that has the v2 API (9.0.7, Pike, 2017) behind the
# test-bed's Keystone, on SQLite, with seeded samples. Needs the test-bed up.
#   up.sh            install what is missing, load the snapshot when there is no
#                    database, start
#   up.sh --reset    back to the seeded state
#   up.sh --fresh    seed anew through its API, take a new snapshot
# Runs on Python 3.6 to 3.11 (CEILOMETER_PYTHON names another python3;
# constraints.txt is of 3.11).
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
  python=${CEILOMETER_PYTHON:-python3}
  say "making the virtual environment with $("$python" -V)"
  rm -rf "$HERE/venv"
  "$python" -m venv "$HERE/venv"
  {
    "$HERE/venv/bin/pip" install -q -U pip 'setuptools<58' wheel \
      && "$HERE/venv/bin/pip" install -q --no-deps ceilometer==9.0.7 \
      && "$HERE/venv/bin/pip" install -q -r req.txt -c constraints.txt
  } 2> "$HERE/pip.log" || { tail "$HERE/pip.log"; exit 1; }
  touch "$HERE/venv/.ok"
fi

[ -n "$mode" ] && { ./down.sh > /dev/null; rm -rf "$HERE/run"; }
./configure.sh
python3 ../register.py "$KEYSTONE" metering ceilometer "$URL" ceilometer
keep_ceilometers_id "$CEILOMETERS_ID"
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

if ! { [ -e "$HERE/run/pid" ] && kill -0 "$(cat "$HERE/run/pid")" 2>/dev/null; }; then
  say "starting the API"
  setsid nohup "$PYTHON" serve.py "$PORT" "$HERE" > "$HERE/run/out" 2>&1 < /dev/null &
  echo $! > "$HERE/run/pid"
fi
for _ in $(seq 300); do
  curl -s -o /dev/null "$URL/" && break
  sleep .1
done
curl -s -o /dev/null "$URL/" || { echo "nothing answers on port $PORT; see $HERE/run"; exit 1; }

if [ -n "$new" ]; then
  say "seeding"
  python3 seed.py "$KEYSTONE" "$URL" "$RUN/ids.json"
  ./down.sh > /dev/null
  say "taking the snapshot"
  mkdir -p golden
  python3 - "$HERE/run/ceilometer.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
# Not where it was made.
db.execute("update migrate_version set repository_path = 'migrate_repo'")
db.commit()
db.execute("vacuum")
PY
  xz -c "$HERE/run/ceilometer.db" > golden/ceilometer.db.xz
  exec ./up.sh
fi
say "ceilometer answers at $URL (service type metering in the catalog)"
