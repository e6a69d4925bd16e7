#!/bin/sh
# Installs Fieldmarshal from a built checkout (`npm ci && npm run build`), or upgrades it; may be run again at any time.
# Configuration, credentials and state are never touched.
#   install.sh              on this machine, as root
#   install.sh --root DIR   into the file system below DIR: an image, or the content of a package
set -eu

root=
case "${1-}" in
  '') ;;
  --root) root=$(readlink -f "${2:?a directory is missing}") ;;
  *) sed -n '2,5s/^# *//p' "$0" >&2; exit 64 ;;
esac

source=$(dirname "$(dirname "$(readlink -f "$0")")")
program=$root/usr/lib/fieldmarshal

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

[ "$(id -u)" -eq 0 ] || fail 'run it as root'
[ -f "$source/dist/src/cli/main.js" ] || fail "$source/dist is missing; run \`npm run build\` first"
[ -x "$source/node_modules/node/bin/node" ] || fail "$source/node_modules is missing; run \`npm ci\` first"

# Files of ours are readable for everyone, whatever umask the caller has.
umask 022

copy_program() {
  mkdir -p "$1/bin"
  # npm knows which packages are needed to run; those of the developers stay behind.
  (cd "$source" && npm ls --omit=dev --all --parseable 2>/dev/null || true) | sed -n "s|^$source/||p" > "$1/packages"
  grep -q . "$1/packages" || fail 'npm lists no packages'
  tar -C "$source" -cf - dist package.json LICENSE systemd -T "$1/packages" | tar -C "$1" --no-same-owner -xf -
  rm "$1/packages"
  install -m 755 "$source/bin/fieldmarshal" "$1/bin/fieldmarshal"
  install -m 755 "$source/node_modules/node/bin/node" "$1/bin/node"
}

# Beside the old one first, so that a disk that runs full leaves the old one whole.
rm -rf "$program.new" "$program.old"
copy_program "$program.new"
[ ! -e "$program" ] || mv "$program" "$program.old"
mv "$program.new" "$program"
rm -rf "$program.old"

mkdir -p "$root/usr/bin"
ln -sf ../lib/fieldmarshal/bin/fieldmarshal "$root/usr/bin/fieldmarshal"
install -D -m 644 "$source/systemd/fieldmarshal.service" "$root/usr/lib/systemd/system/fieldmarshal.service"
install -D -m 644 "$source/systemd/fieldmarshal.sysusers.conf" "$root/usr/lib/sysusers.d/fieldmarshal.conf"
install -D -m 644 "$source/systemd/fieldmarshal.tmpfiles.conf" "$root/usr/lib/tmpfiles.d/fieldmarshal.conf"
install -D -m 644 "$source/systemd/70-fieldmarshal.rules" "$root/usr/lib/udev/rules.d/70-fieldmarshal.rules"

# The content of a package has no users yet: who installs it makes them, or systemd does at the next start of the machine.
if [ -z "$root" ] || [ -e "$root/etc/passwd" ]; then
  systemd-sysusers ${root:+--root="$root"} fieldmarshal.conf
  systemd-tmpfiles ${root:+--root="$root"} --create fieldmarshal.conf
fi
systemctl ${root:+--root="$root"} enable --quiet fieldmarshal.service

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  udevadm control --reload-rules || true
  udevadm trigger --subsystem-match=tty --subsystem-match=usb-serial || true
  systemctl daemon-reload
  systemctl try-restart fieldmarshal.service
fi
echo "installed in $program; configuration belongs in $root/etc/fieldmarshal (see $program/systemd/README.md)"
