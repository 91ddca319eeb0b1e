#!/bin/bash
# configure.sh: certificates (once), Keystone's second configuration file, Apache's
# configuration.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
mkdir -p "$HERE"/{etc,run}
# Not for 127.0.0.1: that is the name that does not match.
certificates openstack DNS:localhost
chmod 644 "$HERE/tls/srv.key"
mkdir -p "$(dirname "$OPEN_CA")"
cp "$CA" "$OPEN_CA"
chmod 755 "$(dirname "$OPEN_CA")"
chmod 644 "$OPEN_CA"

cat > "$HERE/etc/federation.conf" << END
[DEFAULT]
log_file=$HERE/log/keystone-fed.log
public_endpoint=$FRONT/
[auth]
methods=external,password,token,oauth1,mapped,application_credential,openid
[federation]
assertion_prefix=HTTP_OIDC_
[openid]
remote_id_attribute=HTTP_OIDC_ISS
END

# The server as a whole.
server() {
  cat << END
ServerRoot $HERE
PidFile $HERE/run/apache.pid
ServerName localhost
User www-data
Group www-data
DefaultRuntimeDir $HERE/run
Mutex file:$HERE/run default
ErrorLog $HERE/log/apache-error.log
LogLevel warn auth_openidc:warn
END
  local module
  for module in mpm_event authn_core authz_core authz_user auth_openidc ssl socache_shmcb proxy proxy_http headers \
    filter substitute alias setenvif; do
    echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
  done
  cat << END
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 4
MaxSpareThreads 32
LogFormat "%h %l %u %t \"%r\" %>s %b" common
CustomLog $HERE/log/apache-access.log common
SSLSessionCache shmcb:$HERE/run/ssl_scache(512000)
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCertificateFile $HERE/tls/srv.pem
SSLCertificateKeyFile $HERE/tls/srv.key
SSLCACertificateFile $CA
ProxyRequests Off
END
}

# The APIs write their own http:// addresses into the catalog and into links: here they
# become those of this front.
rewriting() {
  local i=0 port
  cat << END
<Location "/">
SetOutputFilter SUBSTITUTE
SubstituteMaxLineLength 50m
END
  for port in "$KEYSTONE_PORT" "${apis[@]}"; do
    echo "Substitute \"s|http://127.0.0.1:$port|https://localhost:$((PORT_TLS + i))|n\""
    i=$((i + 1))
  done
  echo "</Location>"
}

# The federated route: a bearer token, which mod_auth_openidc has introspected. Claims go
# on to Keystone as headers with hyphens: waitress drops headers with underscores, and
# WSGI makes HTTP_OIDC_SUB of OIDC-SUB.
federation() {
  cat << END
  OIDCOAuthIntrospectionEndpoint $PROVIDER/token/introspection
  OIDCOAuthIntrospectionEndpointAuth client_secret_basic
  OIDCOAuthClientID keystone
  OIDCOAuthClientSecret secret
  OIDCOAuthSSLValidateServer On
  OIDCCABundlePath $OPEN_CA
  OIDCOAuthRemoteUserClaim sub
  OIDCOAuthTokenIntrospectionInterval 0
  OIDCClaimDelimiter ;
  OIDCPassClaimsAs environment
  OIDCCryptoPassphrase test
  <LocationMatch "^/v3/OS-FEDERATION/identity_providers/test-op/protocols/openid/auth">
    AuthType oauth20
    Require valid-user
    RequestHeader set OIDC-SUB "expr=%{reqenv:OIDC_CLAIM_sub}"
    RequestHeader set OIDC-ISS "expr=%{reqenv:OIDC_CLAIM_iss}"
    RequestHeader set OIDC-CLIENT-ID "expr=%{reqenv:OIDC_CLAIM_client_id}"
    RequestHeader set OIDC-EDUPERSON-ENTITLEMENT "expr=%{reqenv:OIDC_CLAIM_eduperson_entitlement}"
    RequestHeader unset Authorization
  </LocationMatch>
END
}

# host OFFSET PORT [COMMAND...]: an API's own front, with what COMMAND prints
host() {
  local address=127.0.0.1:$((PORT_TLS + $1)) api=http://127.0.0.1:$2/
  shift 2
  cat << END
Listen $address
<VirtualHost $address>
  SSLEngine on
  # A compressed answer could not be rewritten.
  RequestHeader unset Accept-Encoding
  ProxyPass / $api nocanon retry=0
  ProxyPassReverse / $api
END
  "$@"
  echo "</VirtualHost>"
}
asking() {
  echo "  SSLVerifyClient require"
  federation
}

apis=("$NOVA_PORT" "$GLANCE_PORT" "$CINDER_PORT" "$NEUTRON_PORT" "$PORT_GNOCCHI")
{
  server
  rewriting
  host 0 "$PORT_FEDERATION" federation
  for i in "${!apis[@]}"; do
    host $((i + 1)) "${apis[$i]}" true
  done
  host 6 "$PORT_FEDERATION" asking
} > "$HERE/etc/apache.conf"
