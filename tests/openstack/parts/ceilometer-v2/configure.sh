#!/bin/bash
# configure.sh: writes Ceilometer's configuration.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
mkdir -p "$HERE/etc" "$HERE/run"
policy=$(find "$HERE/venv" -name policy.json -path '*ceilometer*' | head -1)
cp "$policy" "$HERE/etc/policy.json"
paste=$(find "$HERE/venv" -name api_paste.ini | head -1)
sed "s#keystonemiddleware.auth_token:filter_factory#&\noslo_config_file = $HERE/etc/ceilometer.conf#" \
  "$paste" > "$HERE/etc/api_paste.ini"
{
  cat <<EOF
[DEFAULT]
transport_url=fake://
log_file=$HERE/log/ceilometer.log
api_paste_config=$HERE/etc/api_paste.ini
[database]
connection=sqlite:///$HERE/run/ceilometer.db
[publisher]
telemetry_secret=secret
[oslo_policy]
policy_file=$HERE/etc/policy.json
EOF
  authtoken ceilometer
} > "$HERE/etc/ceilometer.conf"
