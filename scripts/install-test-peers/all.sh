#!/bin/sh
# Installs everything that the interop and scenario suites need beside npm packages, by running every script of this folder.
# Run as root on Debian 12. `npm test` needs none of it.
set -eu
here=$(dirname "$(readlink -f "$0")")
apt-get update -qq
# Tells the scripts that the lists of packages are new.
export FIELDMARSHAL_APT_UPDATED=1
for script in "$here"/*.sh; do
  [ "$script" = "$here/all.sh" ] && continue
  echo "== $(basename "$script" .sh)"
  sh "$script"
done
