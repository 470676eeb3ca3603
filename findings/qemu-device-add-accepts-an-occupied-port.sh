#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): device_add onto a PCIe root port that has a device already answers {}.
#
# A root port leads to one device, number 0 (PCI Express has no others behind a port). The second device_add succeeds all
# the same and puts its device at slot 1 (devfn 8), where no guest looks; its id and its disk are in use from then on.
# A caller has to keep its own ledger of ports.
#
# A guess from memory: an error that the port is occupied.
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
    -S -machine q35,accel=tcg -m 64 -nodefaults -display none -qmp stdio "$@"
}
# Sends QMP commands, one a line, to a machine that never runs.
commands() {
  echo '{"execute":"qmp_capabilities"}'
  while read -r line; do sleep 0.3; echo "$line"; done
  sleep 0.3
  echo '{"execute":"quit"}'
}

truncate -s 8M one.raw two.raw
commands <<'QMP' | qemu -device pcie-root-port,id=port0,chassis=1,slot=1 >qmp.log
{"execute":"blockdev-add","arguments":{"driver":"file","node-name":"one","filename":"one.raw"}}
{"execute":"blockdev-add","arguments":{"driver":"file","node-name":"two","filename":"two.raw"}}
{"execute":"device_add","arguments":{"driver":"virtio-blk-pci","id":"disk1","drive":"one","bus":"port0"},"id":"first"}
{"execute":"device_add","arguments":{"driver":"virtio-blk-pci","id":"disk2","drive":"two","bus":"port0"},"id":"second"}
{"execute":"qom-get","arguments":{"path":"/machine/peripheral/disk1","property":"addr"},"id":"devfn of the first"}
{"execute":"qom-get","arguments":{"path":"/machine/peripheral/disk2","property":"addr"},"id":"devfn of the second"}
QMP
seen=$(grep -E '"id": .*(first|second)"' qmp.log)
echo "$seen"
expected='{"return": {}, "id": "first"}
{"return": {}, "id": "second"}
{"return": 0, "id": "devfn of the first"}
{"return": 8, "id": "devfn of the second"}'
[ "$(tr -d '\r' <<<"$seen")" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
