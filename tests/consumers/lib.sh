# shellcheck shell=bash
# Sourced by the scripts beside it: programs, the component, and a virtual environment.

# shellcheck disable=SC2034 # used by who sources this
prepare() { # COMPONENT PACKAGE...
  local name=$1
  shift
  tools=${CASO_CONSUMER_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/caso-consumer-tools}
  programs=${CASO_TEST_PROGRAMS:-}
  if [ -z "$programs" ]; then
    cargo build -q --bins
    programs=${CARGO_TARGET_DIR:-target}/debug
  fi
  # As its page says that it is built.
  cargo build -q --profile guest --target wasm32-wasip2 -p "caso-$name"
  component=${CARGO_TARGET_DIR:-target}/wasm32-wasip2/guest/caso_$name.wasm
  venv=$tools/$name
  if [ "$(cat "$venv/installed" 2> /dev/null)" != "$*" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/pip" install -q "$@"
    echo "$*" > "$venv/installed"
  fi
  # Proxies of the machine are not what is tried here.
  unset HTTPS_PROXY HTTP_PROXY ALL_PROXY https_proxy http_proxy all_proxy
}
