#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): the QMP command block_resize makes a disk smaller, and says nothing.
#
# qemu-img resize refuses to shrink an image unless --shrink is given. block_resize has no such guard: a smaller size
# answers {}, the file is cut at once, and what was beyond is gone. A caller has to compare with the current size itself.
#
# A guess from memory: block_resize refuses, as qemu-img does.
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

truncate -s 64M disk.raw
printf 'the end' | dd of=disk.raw bs=1 seek=$((64 * 1024 * 1024 - 7)) conv=notrunc status=none
commands <<'QMP' | qemu -blockdev driver=raw,node-name=disk0,file.driver=file,file.filename=disk.raw \
  -device virtio-blk-pci,drive=disk0 >qmp.log
{"execute":"block_resize","arguments":{"node-name":"disk0","size":33554432},"id":"shrink"}
QMP
seen=$(grep '"shrink"' qmp.log; echo "size now: $(stat -c %s disk.raw)")
echo "$seen"
expected='{"return": {}, "id": "shrink"}
size now: 33554432'
[ "$(tr -d '\r' <<<"$seen")" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
