# gen_conf.sh: certificates (once), Keystone's second configuration file, Apache's configuration
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
mkdir -p $H/{tls,etc,log,pid,run,op}
if [ ! -e $H/tls/srv.pem ]; then
  ( cd $H/tls
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Test CA openstack" -keyout ca.key -out ca.pem
    for n in srv client; do
      openssl req -newkey rsa:2048 -nodes -subj "/CN=$([ $n = srv ] && echo localhost || echo caso)" -keyout $n.key -out $n.csr
      { [ $n = srv ] && echo subjectAltName=DNS:localhost; echo "extendedKeyUsage=$([ $n = srv ] && echo serverAuth || echo clientAuth)"; } > ext      # not 127.0.0.1: a name that does not match
      openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile ext -out $n.pem
    done ) 2>/dev/null
  chmod 644 $H/tls/srv.key
fi
# Apache's user may not look into ours.
mkdir -p "$(dirname "$OPEN_CA")"
cp $H/tls/ca.pem $OPEN_CA
chmod 755 "$(dirname "$OPEN_CA")"
chmod 644 $OPEN_CA
cat > $H/etc/federation.conf <<EOF
[DEFAULT]
log_file=$H/log/keystone-fed.log
public_endpoint=https://localhost:$P_TLS/
[auth]
methods=external,password,token,oauth1,mapped,application_credential,openid
[federation]
assertion_prefix=HTTP_OIDC_
[openid]
remote_id_attribute=HTTP_OIDC_ISS
EOF
M=/usr/lib/apache2/modules
{
cat <<EOF
ServerRoot $H
PidFile $H/pid/apache.pid
ServerName localhost
User www-data
Group www-data
DefaultRuntimeDir $H/run
Mutex file:$H/run default
ErrorLog $H/log/apache-error.log
LogLevel warn auth_openidc:warn
EOF
for m in mpm_event authn_core authz_core authz_user auth_openidc ssl socache_shmcb proxy proxy_http headers filter substitute alias setenvif; do echo "LoadModule ${m}_module $M/mod_$m.so"; done
cat <<EOF
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 4
MaxSpareThreads 32
LogFormat "%h %l %u %t \"%r\" %>s %b" common
CustomLog $H/log/apache-access.log common
SSLSessionCache shmcb:$H/run/ssl_scache(512000)
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCertificateFile $H/tls/srv.pem
SSLCertificateKeyFile $H/tls/srv.key
SSLCACertificateFile $H/tls/ca.pem
ProxyRequests Off
# the APIs write their own http:// addresses into the catalog and into links: here they become the ones of this front
<Location "/">
SetOutputFilter SUBSTITUTE
SubstituteMaxLineLength 50m
EOF
i=0; ports=($P_FED $P_NOVA $P_GLANCE $P_CINDER $P_NEUTRON $P_GNOCCHI $P_FED)
for p in $P_KEYSTONE $P_NOVA $P_GLANCE $P_CINDER $P_NEUTRON $P_GNOCCHI; do echo "Substitute \"s|http://127.0.0.1:$p|https://localhost:$((P_TLS + i))|n\""; i=$((i + 1)); done
echo "</Location>"
for i in 0 1 2 3 4 5 6; do
  echo "Listen 127.0.0.1:$((P_TLS + i))"
  echo "<VirtualHost 127.0.0.1:$((P_TLS + i))>"
  echo "  SSLEngine on"
  [ $i = 6 ] && echo "  SSLVerifyClient require"
  echo "  RequestHeader unset Accept-Encoding"     # a compressed answer could not be rewritten
  echo "  ProxyPass / http://127.0.0.1:${ports[$i]}/ nocanon retry=0"
  echo "  ProxyPassReverse / http://127.0.0.1:${ports[$i]}/"
  if [ $i = 0 ] || [ $i = 6 ]; then cat <<EOF
  # the federated route: a bearer token, which mod_auth_openidc has introspected; claims go on to Keystone as headers with
  # hyphens (waitress drops headers with underscores; WSGI makes HTTP_OIDC_SUB of OIDC-SUB)
  OIDCOAuthIntrospectionEndpoint https://localhost:$P_OP/token/introspection
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
EOF
  fi
  echo "</VirtualHost>"
done
} > $H/etc/apache.conf
