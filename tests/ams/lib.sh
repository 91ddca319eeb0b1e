# shellcheck shell=bash
# tests/ams/lib.sh: what publish and speed begin with: $work, an authority in a folder as grid hosts have
# it, a host of it, a repository, and the programs in $programs.
work=$(mktemp -d)
pids=()
at_exit() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  rm -rf "$work"
}
trap at_exit EXIT
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
quiet() { openssl "$@" 2> "$work/err" || { cat "$work/err" >&2; fail "openssl $*"; }; }
# Trust and proxies of the machine are not what is tried here.
unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE SSL_CERT_FILE HTTPS_PROXY HTTP_PROXY ALL_PROXY
unset https_proxy http_proxy all_proxy
programs=${CASO_TEST_PROGRAMS:-}
if [ -z "$programs" ]; then
  cargo build -q --bins
  programs=${CARGO_TARGET_DIR:-target}/debug
fi
topic=eu-egi-cloud-accounting
export topic programs

# An authority in a folder as grid hosts have it, a host of it, and a repository.
quiet req -x509 -newkey rsa:2048 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 400 \
  -subj "/DC=org/DC=example/CN=CA" > /dev/null
mkdir "$work/capath"
cp "$work/ca.pem" "$work/capath/ca.pem"
quiet rehash "$work/capath"
for name in host repository; do
  quiet req -new -newkey rsa:2048 -nodes -keyout "$work/$name.key" -out "$work/$name.csr" \
    -subj "/DC=org/DC=example/O=Site/CN=$name.example.org"
  quiet x509 -req -in "$work/$name.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
    -CAcreateserial -days 365 -out "$work/$name.pem" \
    -extfile <(printf 'subjectAltName=DNS:%s.example.org\n' "$name")
done

# services PROJECTS SERVERS: the stand-in AMS at $port and $authn_port, whose administrator has $token,
# and the stand-in OpenStack at $url
services() {
  mkfifo "$work/ams" "$work/cloud"
  "$programs/stand-in-ams" --certificate "$work/ams.pem" --clients "$work/ca.pem" \
    --topic "$topic" > "$work/ams" &
  pids+=($!)
  read -r port authn_port token < "$work/ams"
  "$programs/stand-in-cloud" --projects "$1" --servers "$2" > "$work/cloud" &
  pids+=($!)
  read -r url < "$work/cloud"
  export port authn_port token url
}

# site MESSENGERS: a folder for a site, and on standard output the beginning of its caso.conf
site() {
  rm -rf "$work/site"
  mkdir -p "$work/site/spool"
  cat << CONF
[DEFAULT]
site_name = TEST-SITE
service_name = TEST-SITE-CLOUD
messengers = $1
extractor = nova
spooldir = $work/site/spool
[keystone_auth]
auth_type = v3password
auth_url = $url/identity/v3
username = accounting
password = secret
user_domain_id = default
project_domain_id = default
[ssm]
output_path = $work/site/outgoing
[ams]
host = localhost
port = $port
authn_port = $authn_port
certificate = $work/host.pem
key = $work/host.key
cafile = $work/ams.pem
CONF
}
