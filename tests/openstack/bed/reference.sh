#!/bin/bash
# reference.sh [CASE...]: cASO 5.2.2 against the test-bed, in the cases of the
# file `cases`; messages, lastrun files, command and configuration go to reference/CASE.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=env.sh
. ./env.sh
export TZ=UTC

while IFS='|' read -r case user lines options; do
  case "$case" in '' | '#'*) continue ;; esac
  if [ $# -gt 0 ] && [[ " $* " != *" $case "* ]]; then continue; fi
  dir=$BED/caso/$case
  rm -rf "$dir" "reference/$case"
  mkdir -p "reference/$case" "$dir/spool"
  # The second of the pair goes on where the first one stopped.
  if [ "$case" = incremental-2 ]; then cp caso/incremental-1/spool/lastrun.* "$dir/spool/"; fi
  IFS=';' read -ra extra <<< "$lines"
  bash caso_conf.sh "$dir" "$user" "${extra[@]}"
  eval "set_options=($options)"
  status=0
  # shellcheck disable=SC2154
  casovenv/bin/caso-extract --config-file "$dir/caso.conf" "${set_options[@]}" \
    < /dev/null > "$dir/stdout" 2> "$dir/stderr" || status=$?
  echo "caso-extract --config-file caso.conf $options" > "reference/$case/command"
  sed "s|$BED|BED|" "$dir/caso.conf" > "reference/$case/caso.conf"
  n=0
  while read -r message; do
    n=$((n + 1))
    cp "$message" "reference/$case/$(printf %02d $n).msg"
  done < <(find "$dir/ssm" -type f | sort)
  cp "$dir"/spool/lastrun.* "reference/$case/" || true
  echo "$case: exit $status, $n messages"
done < cases
