#!/bin/bash
# configure.sh: writes the five services' configuration into etc/.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=env.sh
. ./env.sh
# shellcheck source=lib.sh
. ./lib.sh
mkdir -p etc/{keystone,nova,glance,cinder,neutron}

# What Nova, Glance, Cinder and Neutron share: $1 is the service's user and database.
common() {
  authtoken "$1"
  cat <<EOF
[oslo_concurrency]
lock_path=$RUN/lock
[database]
connection=mysql+pymysql://os:os@127.0.0.1:$DB_PORT/$1?charset=utf8
max_pool_size=5
EOF
}

# Nova's login at the service of each section.
client() {
  for section in "$@"; do
    echo "[$section]"
    service_login nova
    echo "region_name=RegionOne"
  done
}

# Receipts have a key folder of their own, /etc/keystone/fernet-keys unless it
# is set; where that is missing, Keystone does not start.
cat > etc/keystone/keystone.conf <<EOF
[DEFAULT]
log_file=$RUN/log/keystone.log
public_endpoint=http://127.0.0.1:$KEYSTONE_PORT/
[database]
connection=mysql+pymysql://os:os@127.0.0.1:$DB_PORT/keystone?charset=utf8
[token]
provider=fernet
expiration=86400
[fernet_tokens]
key_repository=$RUN/keystone/fernet-keys
[fernet_receipts]
key_repository=$RUN/keystone/fernet-keys
[credential]
key_repository=$RUN/keystone/credential-keys
[cache]
enabled=true
backend=dogpile.cache.memory
[identity]
password_hash_rounds=4
EOF

{
  cat <<EOF
[DEFAULT]
transport_url=fake://
host=testbed
my_ip=127.0.0.1
log_file=$RUN/log/nova.log
state_path=$RUN/nova
use_stderr=false
[api]
auth_strategy=keystone
[api_database]
connection=mysql+pymysql://os:os@127.0.0.1:$DB_PORT/nova_api?charset=utf8
EOF
  common nova
  client neutron placement cinder glance service_user
} > etc/nova/nova.conf

{
  cat <<EOF
[DEFAULT]
log_file=$RUN/log/glance.log
bind_port=$GLANCE_PORT
enabled_backends=fast:file
worker_self_reference_url=http://127.0.0.1:$GLANCE_PORT
[glance_store]
default_backend=fast
[fast]
filesystem_store_datadir=$RUN/glance/images
[os_glance_staging_store]
filesystem_store_datadir=$RUN/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir=$RUN/glance/tasks
[paste_deploy]
flavor=keystone
config_file=$VENV/etc/glance/glance-api-paste.ini
EOF
  common glance
} > etc/glance/glance-api.conf

{
  cat <<EOF
[DEFAULT]
transport_url=fake://
host=testbed
my_ip=127.0.0.1
log_file=$RUN/log/cinder.log
state_path=$RUN/cinder
auth_strategy=keystone
api_paste_config=$VENV/etc/cinder/api-paste.ini
resource_query_filters_file=$VENV/etc/cinder/resource_filters.json
enabled_backends=fake
glance_api_servers=http://127.0.0.1:$GLANCE_PORT
[coordination]
backend_url=file://$RUN/cinder/coord
[fake]
volume_backend_name=fake
volume_driver=cinder.tests.fake_driver.FakeGateDriver
EOF
  common cinder
} > etc/cinder/cinder.conf

{
  cat <<EOF
[DEFAULT]
transport_url=fake://
host=testbed
log_file=$RUN/log/neutron.log
state_path=$RUN/neutron
auth_strategy=keystone
core_plugin=ml2
service_plugins=router
api_paste_config=$VENV/etc/neutron/api-paste.ini
notify_nova_on_port_status_changes=false
notify_nova_on_port_data_changes=false
dhcp_agent_notification=false
rpc_workers=0
[ml2]
type_drivers=local,flat,vxlan
tenant_network_types=local
mechanism_drivers=
[ml2_type_flat]
flat_networks=*
[ml2_type_vxlan]
vni_ranges=1:1000
EOF
  common neutron
} > etc/neutron/neutron.conf

cp venv/etc/nova/api-paste.ini etc/nova/
cp venv/etc/neutron/api-paste.ini etc/neutron/
