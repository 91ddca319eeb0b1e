# Settings of the part with TLS and OpenID Connect federation; sourced.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
PORT_FEDERATION=15001 # a second process of the bed's Keystone: same database and keys, federation switched on
PORT_PROVIDER=15556   # the OpenID provider (HTTPS)
PORT_TLS=15443        # Keystone; +1 Nova, +2 Glance, +3 Cinder, +4 Neutron, +5 Gnocchi, +6 Keystone that asks for a client certificate
PORT_GNOCCHI=18041
FRONT=https://localhost:$PORT_TLS
PROVIDER=https://localhost:$PORT_PROVIDER
CA=$HERE/tls/ca.pem
# The same for Apache's user, who may not look into our home.
OPEN_CA=/var/tmp/caso-openstack-$(id -u)/ca.pem
