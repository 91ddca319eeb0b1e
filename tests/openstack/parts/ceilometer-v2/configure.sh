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
cat > "$HERE/etc/ceilometer.conf" <<EOF
[DEFAULT]
transport_url=fake://
log_file=$HERE/run/ceilometer.log
api_paste_config=$HERE/etc/api_paste.ini
[database]
connection=sqlite:///$HERE/run/ceilometer.db
[publisher]
telemetry_secret=secret
[oslo_policy]
policy_file=$HERE/etc/policy.json
[keystone_authtoken]
www_authenticate_uri=http://127.0.0.1:$KEYSTONE_PORT
auth_url=http://127.0.0.1:$KEYSTONE_PORT
auth_type=password
project_domain_name=Default
user_domain_name=Default
project_name=service
username=ceilometer
password=secret
service_token_roles_required=false
EOF
