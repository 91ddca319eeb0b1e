#!/bin/bash
# configure.sh: writes Keystone's configuration. TOKEN=fernet|uuid and POLICY=plain|caso
# choose the variant, EXPIRATION=SECONDS how long tokens last.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
mkdir -p "$HERE/etc" "$HERE/run" "$HERE/keys"

# The pipelines of its own etc/keystone-paste.ini, which only the source distribution
# has, without admin_token_auth.
filters="healthcheck cors sizelimit http_proxy_to_wsgi osprofiler url_normalize request_id build_auth_context token_auth json_body"
{
  for name in healthcheck cors sizelimit http_proxy_to_wsgi request_id; do
    printf '[filter:%s]\nuse=egg:oslo.middleware#%s\n' $name $name
    [ $name != cors ] || echo oslo_config_project=keystone
  done
  printf '[filter:osprofiler]\nuse=egg:osprofiler#osprofiler\n'
  for name in url_normalize build_auth_context token_auth json_body ec2_extension ec2_extension_v3 s3_extension; do
    printf '[filter:%s]\nuse=egg:keystone#%s\n' $name $name
  done
  for name in public_service admin_service service_v3 public_version_service admin_version_service; do
    printf '[app:%s]\nuse=egg:keystone#%s\n' $name $name
  done
  printf '[pipeline:%s]\npipeline=%s\n' \
    public_api "$filters ec2_extension public_service" \
    admin_api "$filters ec2_extension s3_extension admin_service" \
    api_v3 "$filters ec2_extension_v3 s3_extension service_v3"
  for name in public admin; do
    printf '[pipeline:%s_version_api]\npipeline=healthcheck cors sizelimit osprofiler url_normalize %s_version_service\n' $name $name
  done
  printf '[composite:%s]\nuse=egg:Paste#urlmap\n/v2.0=%s_api\n/v3=api_v3\n/=%s_version_api\n' \
    main public public admin admin admin
} > "$HERE/etc/keystone-paste.ini"

cat > "$HERE/etc/keystone.conf" << END
[DEFAULT]
log_file=$HERE/log/keystone.log
public_endpoint=$URL/
admin_endpoint=$URL_ADMIN/
[database]
connection=sqlite:///$HERE/run/keystone.db
[token]
provider=${TOKEN:-fernet}
expiration=${EXPIRATION:-86400}
[fernet_tokens]
key_repository=$HERE/keys/fernet-keys
[credential]
key_repository=$HERE/keys/credential-keys
[identity]
password_hash_rounds=4
[paste_deploy]
config_file=$HERE/etc/keystone-paste.ini
[oslo_policy]
policy_file=$HERE/etc/policy.yaml
END
case "${POLICY:-plain}" in
  caso) echo '"admin_required": "role:admin or is_admin:1 or role:accounting"' ;;
  *) echo '{}' ;;
esac > "$HERE/etc/policy.yaml"
