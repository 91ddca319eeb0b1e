# shellcheck shell=bash disable=SC2034
PART=oidc
# shellcheck source=../env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
B=$BED
H=$HOME_OF_PART
R=$RUN
V=$BED/venv
P_KEYSTONE=$KEYSTONE_PORT
P_NOVA=$NOVA_PORT
P_GLANCE=$GLANCE_PORT
P_CINDER=$CINDER_PORT
P_NEUTRON=$NEUTRON_PORT
P_GNOCCHI=$METRIC_PORT
P_FED=15001 # a second process of the bed's Keystone, same database and keys, federation switched on
P_OP=15556  # the OpenID Provider (HTTPS)
P_TLS=15443 # Keystone; +1 Nova, +2 Glance, +3 Cinder, +4 Neutron, +5 Gnocchi, +6 Keystone that asks for a client certificate
CA=$H/tls/ca.pem
OPEN_CA=/var/tmp/caso-openstack-$(id -u)/ca.pem
# Set by the bed's settings below BED of the clone; the processes read those of its home.
export OS_KEYSTONE_CONFIG_FILES=$BED/etc/keystone/keystone.conf
