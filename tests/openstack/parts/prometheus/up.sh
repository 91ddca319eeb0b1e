#!/bin/bash
# up.sh: a real Prometheus (Debian's package) with two to six days of power samples of
# the bed's servers. Needs the bed's ids.json, and not the bed running.
#   up.sh            on http://127.0.0.1:19090
#   up.sh --tls      another one on https://localhost:19091 as well, with an authority
#                    of its own and basic authentication
#   up.sh --reset    make the samples anew
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$PART"
take_mode "--tls --reset" "$@"

if [ ! -e "$IDS" ]; then
  echo "there is no $IDS: run tests/openstack/openstack up once"
  exit 1
fi
command -v prometheus > /dev/null || packages "$HERE/log/apt" prometheus
if [ "$mode" = --reset ]; then
  ./down.sh > /dev/null
  rm -rf "$HERE"/data "$HERE"/data-tls
fi

# samples FOLDER
samples() {
  [ ! -e "$1/.ok" ] || return 0
  rm -rf "$1"
  mkdir -p "$1"
  python3 seed.py samples "$IDS" > "$HERE/seed.om"
  promtool tsdb create-blocks-from openmetrics -q "$HERE/seed.om" "$1"
  rm -f "$HERE/seed.om"
  touch "$1/.ok"
}

ready() { [ "$(curl -sk -u "$USER_NAME:$PASSWORD" -o /dev/null -w '%{http_code}' "$1/-/ready")" = 200 ]; }

# run NAME URL FOLDER OPTION...
run() {
  local name=$1 url=$2 data=$3
  shift 3
  samples "$data"
  : > "$HERE/empty.yml"
  # The samples are older than any retention by the time this runs.
  start "$HERE/pid/$name" "$HERE/log/$name" prometheus --config.file="$HERE/empty.yml" \
    --storage.tsdb.path="$data" --storage.tsdb.retention.time=100y "$@"
  await "$HERE/pid/$name" "$HERE/log/$name" ready "$url"
}

run prometheus "http://127.0.0.1:$PORT" "$HERE/data" --web.listen-address=127.0.0.1:$PORT
if [ "$mode" = --tls ]; then
  certificates prometheus DNS:localhost,IP:127.0.0.1
  # The hash is bcrypt's of the password in env.sh.
  cat > "$HERE/tls/web.yml" << 'END'
tls_server_config: {cert_file: srv.pem, key_file: srv.key}
basic_auth_users: {caso: '$2b$04$81UDh8OMetOzPWT588v3DeEWzYRiqU2SmBu9qzy9n4t5gh6QGb/fm'}
END
  run prometheus-tls "https://localhost:$PORT_TLS" "$HERE/data-tls" \
    --web.listen-address=127.0.0.1:$PORT_TLS --web.config.file="$HERE/tls/web.yml"
fi
