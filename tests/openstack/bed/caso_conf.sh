#!/bin/bash
# caso_conf.sh DIR USER [LINE...]: a caso.conf for USER in DIR, with its spool and
# outputs; LINEs go into [DEFAULT]. The same file serves cASO 5.2.2 and ours.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
dir=$1
user=$2
shift 2
mkdir -p "$dir/spool" "$dir/ssm"
cat > "$dir/caso.conf" <<EOF
[DEFAULT]
site_name=TEST-SITE
service_name=TEST-SITE-CLOUD
messengers=ssm
spooldir=$dir/spool
mapping_file=$dir/voms.json
$(printf '%s\n' "$@")
[keystone_auth]
auth_type=v3password
auth_url=http://127.0.0.1:$KEYSTONE_PORT/v3
username=$user
password=secret
user_domain_id=default
project_domain_id=default
[ssm]
output_path=$dir/ssm
EOF
