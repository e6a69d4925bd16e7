#!/bin/sh
# For test/interop/modbus-*.test.ts. Debian 12, as root. Installs
#   python3-pymodbus   a Modbus server in Python; with python3-serial and python3-serial-asyncio also on a serial line
#   libmodbus-dev      a Modbus library in C; with gcc, libc6-dev and pkg-config the tests build a small server on it
#   mbpoll             a Modbus master on the command line, which reads and writes our simulator
#   socat              joins two pseudo-terminals to a serial line
set -eu
export DEBIAN_FRONTEND=noninteractive
set -- python3-pymodbus python3-serial python3-serial-asyncio libmodbus-dev gcc libc6-dev pkg-config mbpoll socat
if dpkg -s "$@" > /dev/null 2>&1; then
  echo "$* are there"
  exit 0
fi
[ -n "${FIELDMARSHAL_APT_UPDATED:-}" ] || apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@" > /dev/null
