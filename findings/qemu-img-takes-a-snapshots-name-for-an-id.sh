#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): qemu-img reverts to a snapshot by id first, and deletes one by name only.
#
# A snapshot in a qcow2 file has a name that its maker chose and an id that QEMU counts up from 1. `snapshot -a 2` reverts
# to the snapshot whose id is 2, even if another one is named 2. `convert -l 2` reads that one, too. `snapshot -d 2` with
# the same argument deletes the snapshot that is named 2, and an id alone is unknown to it. All exit 0 where they find
# something. With names that may be numbers, such as dates, revert by the id from `qemu-img info`, and read with
# `-l snapshot.name=2`. (10.0.13 and 11.1.2 were not tried.)
#
# A guess from memory: all three take one argument in the same way, and an exact name wins.
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
write() { run qemu-io -c "write -q -P $1 0 64k" disk.qcow2; }
# Says which byte the first 64 kB of an image consist of.
content() {
  for byte in 1 2 3; do
    if run qemu-io -r -f "$2" -c "read -q -P $byte 0 64k" "$1" >read.log; then echo "$byte"; fi
  done
}
list() { run qemu-img snapshot -l disk.qcow2 | awk 'NR > 2 { printf "%sid %s, name %s", sep, $1, $2; sep = "; " }'; }

run qemu-img create -q -f qcow2 disk.qcow2 1M
write 1
run qemu-img snapshot -c 2 disk.qcow2
write 2
run qemu-img snapshot -c other disk.qcow2
write 3
seen=$(
  echo "$(list); they have the bytes 1 and 2"
  run qemu-img convert -l 2 -O raw disk.qcow2 copy.raw
  echo "convert -l 2: $(content copy.raw raw)"
  run qemu-img convert -l snapshot.name=2 -O raw disk.qcow2 copy.raw
  echo "convert -l snapshot.name=2: $(content copy.raw raw)"
  run qemu-img snapshot -a 2 disk.qcow2
  echo "snapshot -a 2: $(content disk.qcow2 qcow2)"
  run qemu-img snapshot -d 2 disk.qcow2
  echo "snapshot -d 2 leaves: $(list)"
  run qemu-img snapshot -d 2 disk.qcow2 2>/dev/null || echo "snapshot -d 2 again: exit $?"
)
echo "$seen"
expected='id 1, name 2; id 2, name other; they have the bytes 1 and 2
convert -l 2: 2
convert -l snapshot.name=2: 1
snapshot -a 2: 2
snapshot -d 2 leaves: id 2, name other
snapshot -d 2 again: exit 1'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
