#!/bin/bash
# down.sh: stops what up.sh started, and keeps the data.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
stop_all
