# What the scripts of the test-bed and of its parts share; sourced after env.sh.
# shellcheck shell=bash
mode=

# say TEXT: a line, with the seconds since the script began
say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

# usage: the comment at the head of the calling script, in whose folder we are, and
# exit code 2
usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$(basename "$0")"
  exit 2
}

# take_mode "OPTION OPTION" ARGUMENT...: sets $mode to the one argument that there may be
take_mode() {
  mode=${2:-}
  case " $1 " in
    *" ${mode:-$1} "*) [ $# -le 2 ] || usage ;;
    *) usage ;;
  esac
}

# --- what must be installed

# packages LOG NAME...: Debian packages. A policy keeps Debian from starting their
# services: what runs here runs with our own configuration, on our own ports.
packages() {
  local log=$1 policy=/usr/sbin/policy-rc.d ours='' status=0
  shift
  say "installing $*"
  if [ ! -e $policy ]; then
    ours=1
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } > "$log" 2>&1 || status=$?
  [ -z "$ours" ] || rm -f $policy
  if [ $status != 0 ]; then
    tail "$log"
    return $status
  fi
}

# --- processes, each known by a note: a file with its id

# alive NOTE
alive() { [ -e "$1" ] && kill -0 "$(cat "$1")" 2> /dev/null; }

# start NOTE LOG COMMAND...: in the background, unless it is running
start() {
  local note=$1 log=$2
  shift 2
  if alive "$note"; then return; fi
  setsid nohup "$@" > "$log" 2>&1 < /dev/null &
  echo $! > "$note"
}

# answers URL [CURL_OPTION...]: whether anything answers, be it an error
answers() { curl -s -o /dev/null "$@"; }

# await NOTE LOG COMMAND...: until COMMAND succeeds, but no longer than 90 seconds,
# and only as long as the process is alive
await() {
  local note=$1 log=$2
  shift 2
  for _ in $(seq 900); do
    if "$@"; then return; fi
    alive "$note" || break
    sleep .1
  done
  echo "$(basename "$note") does not answer ($*); see $log"
  tail -5 "$log"
  return 1
}

# gone PID TENTHS: whether it ends within that many tenths of a second
gone() {
  for _ in $(seq "$2"); do
    kill -0 "$1" 2> /dev/null || return 0
    sleep .1
  done
  return 1
}

# stop NOTE [TENTHS]: asks it to end, and kills it if it has not by then (5 seconds)
stop() {
  local note=$1 pid
  [ -e "$note" ] || return 0
  pid=$(cat "$note")
  kill "$pid" 2> /dev/null || true
  if ! gone "$pid" "${2:-50}"; then
    kill -9 "$pid" 2> /dev/null || true
    gone "$pid" 20 || true
  fi
  rm -f "$note"
  echo "stopped $(basename "$note")"
}

# --- the database, and the services' login at Keystone

sql() { mariadb --no-defaults -uroot -S "$RUN/mysql.sock" "$@"; }

# dump DATABASE_OR_OPTION...: as SQL, packed, to stdout
dump() { mariadb-dump --no-defaults -uroot -S "$RUN/mysql.sock" --single-transaction "$@" | xz -6; }

# service_login USER: the options by which a service logs in
service_login() {
  cat << END
auth_url=http://127.0.0.1:$KEYSTONE_PORT
auth_type=password
project_domain_name=Default
user_domain_name=Default
project_name=service
username=$1
password=secret
END
}

# authtoken USER: the section by which an API has the tokens of its callers checked
authtoken() {
  echo "[keystone_authtoken]"
  echo "www_authenticate_uri=http://127.0.0.1:$KEYSTONE_PORT"
  service_login "$1"
  echo "service_token_roles_required=false"
}
