#!/bin/bash
# metricd.sh: Gnocchi's own aggregation of the measures that were not processed
# yet, all sacks once, in one process and without a daemon.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
exec "$PYTHON" - "$HERE/etc/gnocchi.conf" <<'PY'
import sys
from oslo_config import cfg
from gnocchi import chef, incoming, indexer, service, storage
from gnocchi.cli import metricd
conf = service.prepare_service(args=[], conf=cfg.ConfigOpts(), default_config_files=[sys.argv[1]])
coord = metricd.get_coordinator_and_start(b"once", conf.coordination_url)
inc = incoming.get_driver(conf)
work = chef.Chef(coord, inc, indexer.get_driver(conf), storage.get_driver(conf))
done = 0
for sack in inc.iter_sacks():
    done += work.process_new_measures_for_sack(sack, blocking=True, sync=True) or 0
print(done, "metrics processed,", inc.measures_report(False)["summary"], "left")
coord.stop()
PY
