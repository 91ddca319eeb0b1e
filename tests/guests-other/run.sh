#!/bin/bash
# run.sh [CASO_EXTRACT]: messengers from source to delivered records.
#
# components/examples/c and components/examples/python are built here and run in the
# sandbox by check.py, with queue and connection ungranted, granted and refused. What
# `caso component new` makes in each of four languages is built by its own script and
# tried by scaffolds.py, and so are the examples that are made from it. CASO_EXTRACT is target/debug/caso-extract unless given; `caso`
# and `stand-in-cloud` are taken from beside it.
#
# The tools come from PyPI and crates.io, in the versions named here, into
# $CASO_GUEST_TOOLS (~/.cache/caso-guest-tools), once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
extract=$(realpath "${1:-$root/target/debug/caso-extract}")
wit_bindgen_version=0.61.1
# Where rust-toolchain.toml holds.
cd "$root"

tools=${CASO_GUEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/caso-guest-tools}
mkdir -p "$tools"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# quietly WHAT COMMAND...: shows the output of COMMAND only if it fails.
quietly() {
  local what=$1 began=$SECONDS
  shift
  if ! "$@" > "$scratch/output" 2>&1; then
    cat "$scratch/output" >&2
    echo "failed: $what" >&2
    exit 1
  fi
  echo "$what ($((SECONDS - began)) s)"
}

venv=$tools/venv
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
  rm -rf "$venv"
  quietly "made a virtual environment" python3 -m venv "$venv"
  quietly "installed what builds the components" "$venv/bin/pip" install -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/installed"
fi
# Without optimisation: it writes three small files, and is compiled in half the time.
bindgen=$tools/wit-bindgen-$wit_bindgen_version
if [ ! -x "$bindgen/bin/wit-bindgen" ]; then
  quietly "built wit-bindgen $wit_bindgen_version" \
    cargo install wit-bindgen-cli --version "$wit_bindgen_version" --no-default-features \
    --features c --locked --debug --root "$bindgen"
fi

export WIT_BINDGEN=$bindgen/bin/wit-bindgen
export WASM_TOOLS=$venv/bin/wasm-tools
export ZIG=$venv/bin/python-zig
export ZIG_GLOBAL_CACHE_DIR=$tools/zig
export COMPONENTIZE_PY=$venv/bin/componentize-py
# What is generated of the contract for C is in the program.
"$WIT_BINDGEN" c "$root/wit" -w messenger --out-dir "$scratch/gen" > /dev/null
diff -r "$scratch/gen" "$root/engine/templates/c/gen"
mkdir -p "$scratch/wit/deps/accounting"
cp "$root/wit/http/http.wit" "$scratch/wit"
cp "$root"/wit/*.wit "$scratch/wit/deps/accounting"
"$WIT_BINDGEN" c "$scratch/wit" -w messenger-http --out-dir "$scratch/gen-http" > /dev/null
diff -r "$scratch/gen-http" "$root/engine/templates/c-http/gen"
echo "ok engine/templates/c/gen and c-http/gen are what wit-bindgen $wit_bindgen_version makes of wit/"

quietly "built the messenger in C" "$root/components/examples/c/build.sh" "$scratch/csv.wasm"
quietly "built the messenger in Python" "$root/components/examples/python/build.sh" "$scratch/jsonl.wasm"

python3 -B "$here/check.py" "$extract" "$scratch/csv.wasm" "$scratch/jsonl.wasm"

# What was written for version 1.0.0 of the contract is built on it and runs for ever.
quietly "built the frozen messenger in C" \
  "$root/components/examples/c/build.sh" "$scratch/csv-1.0.0.wasm" "$root/tests/frozen/wit-1.0.0" "$root/tests/frozen/c/csv.c"
quietly "built the frozen messenger in Python" \
  "$root/components/examples/python/build.sh" "$scratch/jsonl-1.0.0.wasm" "$root/tests/frozen/wit-1.0.0" "$root/tests/frozen/python/jsonl.py"
python3 -B "$here/check.py" "$extract" "$scratch/csv-1.0.0.wasm" "$scratch/jsonl-1.0.0.wasm"

# From the registries, as anybody would.
languages=(rust c python)
if command -v npm > /dev/null; then
  languages+=(javascript)
else
  echo "SKIPPED: JavaScript, for there is no npm"
fi
python3 -B "$here/scaffolds.py" "$extract" "${languages[@]}"
