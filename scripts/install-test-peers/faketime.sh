#!/bin/sh
# For test/scenarios/clock-wrong.test.ts. Debian or Ubuntu, as root. Installs
#   libfaketime   a library that shows one process another time than the machine has
set -eu
export DEBIAN_FRONTEND=noninteractive
if dpkg -s libfaketime > /dev/null 2>&1; then
  echo 'libfaketime is there'
  exit 0
fi
[ -n "${FIELDMARSHAL_APT_UPDATED:-}" ] || apt-get update -qq
apt-get install -y -qq --no-install-recommends libfaketime > /dev/null
