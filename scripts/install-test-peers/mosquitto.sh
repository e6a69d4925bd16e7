#!/bin/sh
# For test/interop/mosquitto.test.ts. Debian or Ubuntu, as root. Installs
#   mosquitto   the MQTT broker from Eclipse; the tests start their own, none is left running
#   openssl     makes the certificates of the tests
set -eu
export DEBIAN_FRONTEND=noninteractive
if dpkg -s mosquitto openssl > /dev/null 2>&1; then
  echo 'mosquitto and openssl are there'
  exit 0
fi
[ -n "${FIELDMARSHAL_APT_UPDATED:-}" ] || apt-get update -qq
# The package would start a broker on port 1883. A policy that is already there is the machine's own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi
apt-get install -y -qq --no-install-recommends mosquitto openssl > /dev/null
