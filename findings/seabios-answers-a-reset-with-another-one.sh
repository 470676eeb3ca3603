#!/usr/bin/env bash
# QEMU 7.2.22 with SeaBIOS 1.16.2 (Debian 12): one system_reset of a q35 machine gives several RESET events.
#
# SeaBIOS finds that it has run before, because a reset leaves the memory as it was, and resets the machine once more
# itself ("guest": true). Firmware reads the boot order after that. So a bootindex that is set for one boot and set back
# at the first RESET event has no effect, and a program that counts resets counts too many.
#
# A guess from memory: one RESET event for one system_reset.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
qemu() {
  QEMU_MODULE_DIR=$libraries/qemu root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" root/usr/bin/qemu-system-x86_64 \
    -L root/usr/share/seabios -L root/usr/share/qemu -L root/usr/lib/ipxe/qemu \
    -machine q35,accel=tcg -m 64 -nodefaults -display none -qmp stdio "$@"
}
# The firmware has run after 10 s, and after 10 s more it has done so again, also on a busy host.
{
  echo '{"execute":"qmp_capabilities"}'
  sleep 10
  echo '{"execute":"system_reset"}'
  sleep 10
  echo '{"execute":"quit"}'
} | qemu >qmp.log
events=$(grep '"RESET"' qmp.log | grep -oE '"guest": (true|false), "reason": "[a-z-]+"')
echo "$events"
commands=$(grep -c 'host-qmp-system-reset' <<<"$events")
of_firmware=$(grep -c 'guest-reset' <<<"$events")
[ "$commands" = 1 ] && [ "$of_firmware" -ge 1 ] || { echo 'This has changed.' >&2; exit 1; }
