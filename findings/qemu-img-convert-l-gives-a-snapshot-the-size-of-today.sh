#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): qemu-img convert -l exports an internal snapshot in the disk's present size, not in its own.
#
# A qcow2 file records the size that the disk had at each snapshot, and qemu-img snapshot -a restores that size. convert -l
# does not: a snapshot from before the disk grew comes out larger, with zeros at its end, so two ways to the same snapshot
# give disks of different sizes and checksums. The backup header of a GPT is then no longer in the last sector, either.
# qemu-img info shows no snapshot's size. (10.0.13 and 11.1.2 do the same.)
#
# A guess from memory: the exported disk is as large as the disk was.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install qemu-utils=1:7.2+dfsg-7+deb12u18+b3 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
img() {
  QEMU_MODULE_DIR=$libraries/qemu root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" root/usr/bin/qemu-img "$@"
}

img create -q -f qcow2 disk.qcow2 1M
img snapshot -c at-1M disk.qcow2
img resize -q disk.qcow2 2M
img convert -l at-1M -O raw disk.qcow2 exported.raw
img snapshot -a at-1M disk.qcow2
img convert -O raw disk.qcow2 reverted.raw
seen=$(stat -c '%n: %s' exported.raw reverted.raw)
echo "$seen"
expected='exported.raw: 2097152
reverted.raw: 1048576'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
