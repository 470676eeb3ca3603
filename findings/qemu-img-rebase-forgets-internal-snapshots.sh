#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): taking a disk off its backing file ruins the disk's internal snapshots, and says nothing.
#
# qemu-img rebase -b "" copies from the backing file what the current state reads from it, then drops the reference. What
# a snapshot inside the same qcow2 file read from there is not copied: the snapshot is still listed, reverting to it
# exits 0, and its data is zeros. The QMP command block-stream does the same to a running guest's disk. (10.0.13 and
# 11.1.2 too.) Delete the internal snapshots first, or keep the backing file.
#
# A guess from memory: a safe rebase (without -u) keeps all that can be read from the disk, or refuses.
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
run() {
  local program=$1
  shift
  QEMU_MODULE_DIR=$libraries/qemu root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" "root/usr/bin/$program" "$@"
}
# Says which byte the first 64 kB of the disk consist of.
content() {
  for byte in 0 1; do
    if run qemu-io -r -c "read -q -P $byte 0 64k" disk.qcow2 >read.log; then echo "$1: $byte"; fi
  done
}

run qemu-img create -q -f qcow2 base.qcow2 1M
run qemu-io -c 'write -q -P 1 0 1M' base.qcow2
run qemu-img create -q -f qcow2 -F qcow2 -b base.qcow2 disk.qcow2
run qemu-img snapshot -c before disk.qcow2
seen=$(
  content 'the disk'
  run qemu-img rebase -b '' disk.qcow2 && echo 'rebase: exit 0'
  content 'the disk'
  run qemu-img snapshot -a before disk.qcow2 && echo 'revert: exit 0'
  content 'the snapshot'
  run qemu-img check -q disk.qcow2 && echo 'check: exit 0'
)
echo "$seen"
expected='the disk: 1
rebase: exit 0
the disk: 1
revert: exit 0
the snapshot: 0
check: exit 0'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
