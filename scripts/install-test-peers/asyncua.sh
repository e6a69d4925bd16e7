#!/bin/sh
# Installs asyncua, an OPC UA server in Python, for test/interop/opcua-asyncua.test.ts, into a virtual environment of its own:
# $FIELDMARSHAL_TEST_PEERS/asyncua, by default ~/.cache/fieldmarshal-test-peers/asyncua. Needs PyPI, and python3 with venv, which
# it takes from Debian where it is missing and the user is root. To undo it, remove that directory.
set -eu
peers="${FIELDMARSHAL_TEST_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/fieldmarshal-test-peers}"
export DEBIAN_FRONTEND=noninteractive
if "$peers/asyncua/bin/python" -c 'import asyncua, importlib.metadata as m; assert m.version("asyncua") == "1.1.8"' 2> /dev/null; then
  echo "asyncua is there, in $peers/asyncua"
  exit 0
fi
if ! python3 -c 'import ensurepip, venv' 2> /dev/null; then
  [ -n "${FIELDMARSHAL_APT_UPDATED:-}" ] || apt-get update -qq
  apt-get install -y -qq --no-install-recommends python3-venv > /dev/null
fi
python3 -m venv "$peers/asyncua"
"$peers/asyncua/bin/pip" install --quiet --disable-pip-version-check 'asyncua==1.1.8' 'cryptography<46'
"$peers/asyncua/bin/python" -c 'import asyncua'
echo "asyncua is installed in $peers/asyncua"
