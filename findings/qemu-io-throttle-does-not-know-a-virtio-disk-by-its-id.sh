#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): block_set_io_throttle takes a SCSI disk's id, but not a virtio disk's.
#
# Its "id" is the name or QOM path of the guest's device. For scsi-hd that is the id from -device. virtio-blk-pci is a shell
# around the device that owns the disk, and both its id and its path answer "Device does not have a block device backend";
# only the path of the inner device does it, /machine/peripheral/ID/virtio-backend. query-block reports that path as
# "qdev". qom-set of "drive", in contrast, wants the outer one. (10.0.13 and 11.1.2 do the same.)
#
# A guess from memory: the id works for every disk that was given one.
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
run() {
  local program=$1
  shift
  QEMU_MODULE_DIR=$libraries/qemu root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" "root/usr/bin/$program" "$@"
}
# A machine that does not run, and its QMP monitor: qmp sends a command and prints the answer, without events.
start() {
  coproc QEMU {
    run qemu-system-x86_64 -L root/usr/share/seabios -L root/usr/share/qemu -L root/usr/lib/ipxe/qemu \
      -S -machine q35,accel=tcg -m 64 -nodefaults -display none -qmp stdio "$@" 2>>error.log
  }
  qmp qmp_capabilities >start.log
}
qmp() {
  echo "{\"execute\":\"$1\",\"arguments\":${2:-{\}}}" >&"${QEMU[1]}"
  while read -r answer <&"${QEMU[0]}"; do
    case $answer in *'"event"'* | *'"QMP"'*) ;; *) break ;; esac
  done
  echo "$1: ${answer%$'\r'}"
}
stop() {
  echo '{"execute":"quit"}' >&"${QEMU[1]}"
  wait
}

truncate -s 1M one.raw two.raw
limits='"bps":0,"bps_rd":0,"bps_wr":0,"iops":100,"iops_rd":0,"iops_wr":0'
{
  start -blockdev driver=file,node-name=one,filename=one.raw -device virtio-scsi-pci -device scsi-hd,id=scsi0,drive=one \
    -blockdev driver=file,node-name=two,filename=two.raw -device virtio-blk-pci,id=virtio0,drive=two
  for id in scsi0 virtio0 /machine/peripheral/virtio0 /machine/peripheral/virtio0/virtio-backend; do
    echo "$id"
    qmp block_set_io_throttle "{\"id\":\"$id\",$limits}"
  done
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='scsi0
block_set_io_throttle: {"return": {}}
virtio0
block_set_io_throttle: {"error": {"class": "GenericError", "desc": "Device does not have a block device backend"}}
/machine/peripheral/virtio0
block_set_io_throttle: {"error": {"class": "GenericError", "desc": "Device does not have a block device backend"}}
/machine/peripheral/virtio0/virtio-backend
block_set_io_throttle: {"return": {}}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
