#!/bin/sh
# For test/interop/key-on-token.test.ts. Debian or Ubuntu, as root. Installs
#   softhsm2                   a PKCS#11 token in software; the tests make their own
#   libengine-pkcs11-openssl   the OpenSSL engine that reaches such tokens
#   openssl                    makes the keys of the tests
set -eu
export DEBIAN_FRONTEND=noninteractive
if dpkg -s softhsm2 libengine-pkcs11-openssl openssl > /dev/null 2>&1; then
  echo 'softhsm2 and libengine-pkcs11-openssl are there'
  exit 0
fi
[ -n "${FIELDMARSHAL_APT_UPDATED:-}" ] || apt-get update -qq
apt-get install -y -qq --no-install-recommends softhsm2 libengine-pkcs11-openssl openssl > /dev/null
