#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): qemu-nbd --read-only keeps everybody else from writing to a qcow2 file, but not to a raw one.
#
# A format driver cannot let its metadata change under it, so a reader of a qcow2 file locks it against writers as long as
# it is open, with locks (fcntl F_OFD_SETLK) on bytes 201 and 203. A guest on that disk does not start, and qemu-img
# snapshot fails. With "force-share" (qemu-img -U), which qemu-nbd has no option for, but a json: file name, it does not.
#
# A guess from memory: a read-only export disturbs nobody; at most it sees torn data.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
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
  QEMU_MODULE_DIR=$libraries/qemu exec root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" "root/usr/bin/$program" "$@"
}
# Says whether a disk can be written while qemu-nbd --read-only has it open under a name.
write_beside() {
  local what=$1 format=$2 disk=$3 name=$4
  (run qemu-nbd --read-only --persistent --socket "$folder/sock" "${@:5}" "$name") &
  server=$!
  until [ -S sock ]; do sleep 0.1; done
  (run qemu-io -f "$format" -c 'write -q 0 4k' "$disk") >out.log 2>&1 && echo "$what: written" ||
    echo "$what: $(grep -o 'Failed to get "[a-z]*" lock' out.log)"
  kill "$server"
  wait "$server" || true
  server=
  rm -f sock
}
for format in raw qcow2; do (run qemu-img create -q -f "$format" "disk.$format" 1M); done
shared='json:{"driver":"qcow2","read-only":true,"force-share":true,"file":{"driver":"file","filename":"disk.qcow2"}}'
seen=$(
  write_beside raw raw disk.raw disk.raw -f raw
  write_beside qcow2 qcow2 disk.qcow2 disk.qcow2 -f qcow2
  write_beside 'qcow2 with force-share' qcow2 disk.qcow2 "$shared"
)
echo "$seen"
expected='raw: written
qcow2: Failed to get "write" lock
qcow2 with force-share: written'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
