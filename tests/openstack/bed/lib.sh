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

# --- processes, each known by a note: a file with its id and when it began. The id alone
# would not do: a note that a killed run left behind names, a boot later, somebody else's
# process, and stopping that one has ended a whole run of the checks.

# birth PID: the boot that it runs in, and the tick of that boot at which it began; nothing
# of a process that has ended, even where nobody has taken notice of it yet
birth() {
  local stat
  stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 1
  # The program's name is in brackets and may hold anything: what follows the last bracket
  # is counted from the third field; the beginning is the 22nd.
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  [ "$1" != Z ] || return 1
  echo "$(cat /proc/sys/kernel/random/boot_id) ${20}"
}

# alive NOTE: whether the very process that the note was written for still runs
alive() {
  local pid began
  [ -e "$1" ] && read -r pid began < "$1" && [ -n "$began" ] && [ "$(birth "$pid")" = "$began" ]
}

# start NOTE LOG COMMAND...: in the background, unless it is running
start() {
  local note=$1 log=$2
  shift 2
  if alive "$note"; then return; fi
  setsid nohup "$@" > "$log" 2>&1 < /dev/null &
  echo "$! $(birth $!)" > "$note"
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

# ask SIGNAL NOTE: sends it, if the note's process still runs
ask() {
  local pid
  alive "$2" || return 0
  read -r pid _ < "$2"
  kill "-$1" "$pid" 2> /dev/null || true
}

# gone NOTE TENTHS: whether its process ends within that many tenths of a second
gone() {
  for _ in $(seq "$2"); do
    alive "$1" || return 0
    sleep .1
  done
  return 1
}

# stop NOTE [TENTHS]: asks it to end, and kills it if it has not by then (5 seconds)
stop() {
  local note=$1
  [ -e "$note" ] || return 0
  ask TERM "$note"
  if ! gone "$note" "${2:-50}"; then
    ask KILL "$note"
    gone "$note" 20 || true
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
