#!/bin/bash
# rehearsal.sh OURS: a site changes from cASO 5.2.2 to ours and back.
#
# On the running test-bed, cASO 5.2.2 accounts three hours, ours the next three
# on the same spool, the same queue and the same configuration, then Python
# again; beside it, cASO alone goes through the same seven hours. What APEL's
# tables would hold of both must be equal, known defects aside. A server is
# deleted in ours' part (deleted-after, 2026-11-18 06:00), one in Python's first
# (deleted-in), and the last hour crosses into what neither has seen.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
openstack=$here/../openstack
home=$("$openstack/openstack" home)
venv=$("$here/venv")
ours=$(realpath "$1")
theirs=$venv/bin/caso-extract
rehearsal=${CASO_TEST_OURS:-$home}/rehearsal
ours_cache=${CASO_TEST_OURS:-$home/ours}/cache
export TZ=UTC

hours=(03 04 05 06 07 08 09)
programs=("$theirs" "$theirs" "$theirs" "$ours" "$ours" "$ours" "$theirs")

# go NAME EXTRACTOR PROGRAM...: the hours, one program each, from a fresh spool
go() {
  local dir=$rehearsal/$1 extractor=$2
  shift 2
  rm -rf "$dir"
  # Python takes unknown options in silence, and ours its own from the same file.
  bash "$home/caso_conf.sh" "$dir" accounting "cloud_type=caso/5.2.2 (OpenStack)" \
    "extractor=$extractor" "cache_dir=$ours_cache"
  # APEL's table has one row a volume then, in ours as in cASO's.
  echo "star_record_id=volume" >> "$dir/caso.conf"
  mkdir -p "$ours_cache"
  # The site accounted for before: the first hour has a cursor.
  printf '2026-10-01 00:00:00+00:00' > "$dir/spool/lastrun.3174786e9d0146608dfdbebc1b4a983e"
  local hour
  for hour in "${hours[@]}"; do
    local status=0
    "$1" --config-file "$dir/caso.conf" --extract-to "2026-11-18T$hour:30:00" < /dev/null > "$dir/output.$hour" 2>&1 || status=$?
    if [ $status != 0 ]; then
      echo "hour $hour: \`$1\` ended with $status"
      cat "$dir/output.$hour"
      exit 1
    fi
    shift
  done
}

all_theirs=("$theirs" "$theirs" "$theirs" "$theirs" "$theirs" "$theirs" "$theirs")
for extractor in nova nova,cinder,neutron; do
  echo "extractor $extractor:"
  go changed "$extractor" "${programs[@]}"
  go unbroken "$extractor" "${all_theirs[@]}"
  "$venv/bin/python" "$here/tables.py" "$rehearsal/changed/ssm" --against "$rehearsal/unbroken/ssm"
  "$venv/bin/python" "$here/apel_check.py" "$rehearsal/changed/ssm"
  "$venv/bin/python" "$here/ssm_check.py" "$rehearsal/changed/ssm"
done
