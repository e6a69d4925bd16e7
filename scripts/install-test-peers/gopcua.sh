#!/bin/sh
# Builds an OPC UA server on gopcua, for test/interop/opcua-gopcua.test.ts, as $FIELDMARSHAL_TEST_PEERS/gopcua/server, by default in
# ~/.cache/fieldmarshal-test-peers. Needs Go 1.23 or later, which Debian 12 does not have, and the Go module proxy: without Go
# it says so and builds nothing, and the test stays pending. To undo it, remove that directory.
set -eu
peers="${FIELDMARSHAL_TEST_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/fieldmarshal-test-peers}"
source=$(dirname "$(readlink -f "$0")")/../../test/interop/peers/gopcua
if ! command -v go > /dev/null; then
  echo 'not built: there is no Go here'
  exit 0
fi
mkdir -p "$peers/gopcua"
cd "$source"
go build -o "$peers/gopcua/server" . 2> "$peers/gopcua/build.log" || {
  tail -n 5 "$peers/gopcua/build.log" >&2
  exit 1
}
echo "the server on gopcua is in $peers/gopcua"
