# What the parts share; sourced by each part's env.sh. A part is a folder here, with
# env.sh (its settings), up.sh and down.sh; what it makes lives in the test-bed's own
# folder, under parts/NAME.
# shellcheck shell=bash disable=SC2034
PART=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
BED=$("$PART/../../openstack" home)
# shellcheck source=../../bed/env.sh
. "$BED/env.sh"
# shellcheck source=../../bed/lib.sh
. "$BED/lib.sh"
HERE=$BED/parts/$(basename "$PART")
KEYSTONE=http://127.0.0.1:$KEYSTONE_PORT/v3
PYTHON=$HERE/venv/bin/python
mkdir -p "$HERE/log" "$HERE/pid"

need_the_bed() {
  if ! answers "$KEYSTONE"; then
    echo "the test-bed is not up: tests/openstack/openstack up"
    exit 1
  fi
}

# stop_all: what the part's up.sh started
stop_all() {
  local note
  for note in "$HERE"/pid/*; do
    stop "$note"
  done
}

# environment REQUIREMENT... [-- PACKAGE==VERSION]: the part's virtual environment, by
# its req.txt and constraints.txt, if it is missing. REQUIREMENTs are what its packages
# are built with; PACKAGE is installed without what it says that it needs, where
# req.txt knows better. CASO_PART_PYTHON names another python3 to make it with.
environment() {
  local tools=() alone=() python=${CASO_PART_PYTHON:-python3}
  [ ! -e "$HERE/venv/.ok" ] || return 0
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    tools+=("$1")
    shift
  done
  [ $# = 0 ] || alone=("$2")
  say "making the virtual environment with $("$python" -V)"
  rm -rf "$HERE/venv"
  "$python" -m venv "$HERE/venv"
  if ! {
    "$PYTHON" -m pip install -q -U pip "${tools[@]}" \
      && { [ ${#alone[@]} = 0 ] || "$PYTHON" -m pip install -q --no-deps "${alone[@]}"; } \
      && "$PYTHON" -m pip install -q -r "$PART/req.txt" -c "$PART/constraints.txt"
  } 2> "$HERE/log/pip"; then
    tail "$HERE/log/pip"
    return 1
  fi
  touch "$HERE/venv/.ok"
}

# certificates NAME SUBJECT_ALTERNATIVES: once, into HERE/tls, an authority (ca.pem), and
# by it a server's certificate (srv.pem, srv.key) and a client's (client.pem, client.key)
certificates() {
  local name subject use
  [ ! -e "$HERE/tls/srv.pem" ] || return 0
  mkdir -p "$HERE/tls"
  (
    cd "$HERE/tls"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Test CA $1" -keyout ca.key -out ca.pem
    for name in client srv; do
      case $name in
        client) subject=caso use=clientAuth ;;
        srv) subject=localhost use=serverAuth ;;
      esac
      openssl req -newkey rsa:2048 -nodes -subj "/CN=$subject" -keyout $name.key -out $name.csr
      {
        echo "extendedKeyUsage=$use"
        [ $name = client ] || echo "subjectAltName=$2"
      } > extensions
      openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
        -extfile extensions -out $name.pem
    done
  ) 2> "$HERE/log/openssl"
}

# snapshot DATABASE FILE [STATEMENT]: an SQLite database after STATEMENT, packed, without
# the folder that it was made in
snapshot() {
  python3 - "$1" "${3:-}" << 'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("update migrate_version set repository_path = 'migrate_repo'")
db.execute(sys.argv[2])
db.commit()
db.execute("vacuum")
PY
  xz -c "$1" > "$2"
}

# keep_ceilometers_id: Ceilometer's user has one id in all snapshots: Gnocchi makes the
# ids of interfaces from it.
keep_ceilometers_id() {
  local id=af4bbdee46134440a29b81b11a7a2447
  sql keystone -e "set foreign_key_checks = 0;
    select user_id into @old from local_user where name = 'ceilometer';
    update user set id = '$id' where id = @old;
    update local_user set user_id = '$id' where user_id = @old;
    update assignment set actor_id = '$id' where actor_id = @old"
}
