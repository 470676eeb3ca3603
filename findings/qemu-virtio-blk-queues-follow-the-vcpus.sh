#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): the number of vCPUs decides how many queues a virtio disk has.
#
# virtio-blk-pci's num-queues is "auto" by default, and becomes the number of vCPUs when the machine is made. The queues
# are part of the device's state: a guest whose vCPU count changes is another machine to a saved state or a migration,
# although its disk has not been touched. Give num-queues explicitly where a state is to outlive a change of vCPUs.
#
# A guess from memory: one queue unless num-queues says otherwise.
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

truncate -s 8M disk.raw
for vcpus in 1 4; do
  commands <<QMP | qemu -smp $vcpus -blockdev driver=file,node-name=disk0,filename=disk.raw \
    -device virtio-blk-pci,drive=disk0,id=disk >>qmp.log
{"execute":"qom-get","arguments":{"path":"/machine/peripheral/disk","property":"num-queues"},"id":"queues with $vcpus vCPUs"}
QMP
done
seen=$(grep queues qmp.log)
echo "$seen"
expected='{"return": 1, "id": "queues with 1 vCPUs"}
{"return": 4, "id": "queues with 4 vCPUs"}'
[ "$(tr -d '\r' <<<"$seen")" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
