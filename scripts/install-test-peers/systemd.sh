#!/bin/sh
# For test/interop/systemd-*.test.ts. Installs
#   systemd            systemd-analyze, which checks and scores the unit
#   systemd-container  systemd-nspawn, in which the unit is booted for real
#   debootstrap        makes the small Debian that is booted, about 270 MB, once, in
#                      $FIELDMARSHAL_TEST_ROOTFS (default: fieldmarshal-test-rootfs in the directory for temporary files)
set -eu
export DEBIAN_FRONTEND=noninteractive
if ! dpkg -s systemd systemd-container debootstrap > /dev/null 2>&1; then
  [ -n "${FIELDMARSHAL_APT_UPDATED:-}" ] || apt-get update -qq
  apt-get install -y -qq --no-install-recommends systemd systemd-container debootstrap > /dev/null
fi

rootfs=${FIELDMARSHAL_TEST_ROOTFS:-${TMPDIR:-/tmp}/fieldmarshal-test-rootfs}
if [ -e "$rootfs/etc/os-release" ]; then
  echo "$rootfs is there"
  exit 0
fi
# Into a place of its own first, so that a broken download never looks like a machine.
rm -rf "$rootfs.new"
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,udev bookworm "$rootfs.new" > "$rootfs.log" 2>&1 || {
  tail -n 5 "$rootfs.log" >&2
  exit 1
}
rm -rf "$rootfs/"
mv "$rootfs.new" "$rootfs"
rm "$rootfs.log"
