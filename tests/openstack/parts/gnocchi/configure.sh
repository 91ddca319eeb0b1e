#!/bin/bash
# configure.sh: writes Gnocchi's configuration.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
mkdir -p "$HERE"/etc "$HERE"/run/{data,coord}
{
  cat <<EOF
[DEFAULT]
log_file=$HERE/log/gnocchi.log
coordination_url=file://$HERE/run/coord
parallel_operations=2
[indexer]
url=mysql+pymysql://os:os@127.0.0.1:$DB_PORT/gnocchi?charset=utf8mb3
[storage]
driver=file
file_basepath=$HERE/run/data
[incoming]
driver=file
[api]
auth_mode=keystone
paste_config=$HERE/etc/api-paste.ini
[metricd]
workers=1
metric_processing_delay=1
EOF
  authtoken gnocchi
} > "$HERE/etc/gnocchi.conf"
# auth_token reads its section from the file that is named here, not from the one
# that Gnocchi was started with.
sed "/keystonemiddleware#auth_token/a oslo_config_file = $HERE/etc/gnocchi.conf" \
  "$HERE"/venv/lib/python3*/site-packages/gnocchi/rest/api-paste.ini > "$HERE/etc/api-paste.ini"
