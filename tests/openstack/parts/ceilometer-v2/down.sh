#!/bin/bash
# down.sh: stops what up.sh started, by the id it noted, and keeps the data.
set -u
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
note=$HERE/run/pid
[ -e "$note" ] || exit 0
pid=$(cat "$note")
kill "$pid" 2>/dev/null
for _ in $(seq 50); do
  kill -0 "$pid" 2>/dev/null || break
  sleep .1
done
kill -9 "$pid" 2>/dev/null
rm -f "$note"
echo "stopped $(basename "$PART")"
