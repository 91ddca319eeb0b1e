#!/bin/bash
# reference.sh: cASO 5.2.2's extractor `prometheus` against this part and the running
# bed; every record that it extracts, a JSON line each, into reference/CASE. In place
# of a messenger: its SSM messenger never sends energy. energy-down takes two minutes.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$PART"
export TZ=UTC
days=(--extract-from 2026-11-10 --extract-to 2026-11-12)

# reference CASE "PROMETHEUS_LINE;PROMETHEUS_LINE" OPTION...
reference() {
  local case=$1 lines=$2 dir=$BED/caso/$1 status=0
  shift 2
  rm -rf "$dir" "reference/$case"
  mkdir -p "$dir" "reference/$case"
  bash "$BED/caso_conf.sh" "$dir" accounting
  printf '[prometheus]\n%s\n' "${lines//;/$'\n'}" >> "$dir/caso.conf"
  "$BED/casovenv/bin/python" -c "import caso.messenger
caso.messenger.Manager.push_to_all = lambda self, records: [print(record.ssm_message()) for record in records]
from caso._cmd.extract import main; main()" --config-file "$dir/caso.conf" --extractor prometheus \
    --log-file "$dir/log" "$@" > "reference/$case/stdout" 2> /dev/null || status=$?
  echo "TZ=$TZ caso-extract --config-file caso.conf --extractor prometheus $*   # exit $status" > "reference/$case/command"
  sed "s|$dir|.|g" "$dir/caso.conf" > "reference/$case/caso.conf"
  grep -E 'ERROR|WARNING|Error' "$dir/log" | sed "s|$BED|BED|g" | cut -c1-600 > "reference/$case/log" || true
}

plain=prometheus_endpoint=http://127.0.0.1:$PORT
reference energy "$plain" "${days[@]}"
TZ=Europe/Madrid reference energy-madrid "$plain" "${days[@]}"
reference energy-6days "$plain" --extract-from 2026-11-08 --extract-to 2026-11-14
reference energy-step60 "$plain;prometheus_step_seconds=60" "${days[@]}"
reference energy-down prometheus_endpoint=http://127.0.0.1:1 "${days[@]}"
