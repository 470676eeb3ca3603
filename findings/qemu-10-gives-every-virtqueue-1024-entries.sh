#!/usr/bin/env bash
# QEMU 10.0.13 (Debian 13): every virtqueue has 1024 entries, whatever the device, its queue-size and the machine type say.
#
# 7.2.22 and 11.1.2 give a virtio-rng 8, and a virtio-blk what queue-size says. 10.0.13 gives both 1024, also with the
# old machine type used here, though a versioned type should keep the hardware as it was; qom-get still returns the queue-size that
# was set. The size is part of a saved state: 10.0.13 loads what 7.2.22 and 11.1.2 saved, but 11.1.2 refuses every state
# with a virtio device from 10.0.13 ("VQ 0 vring.num 1024 exceeds allocated max 8"). So guests that are suspended, or have
# snapshots with memory, do not survive an upgrade from 10.0.13 to 11.1.2.
#
# A guess from memory: same machine type and same options, same queues; so a state of the older version loads in the newer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Debian 13's package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs apt, with
# Debian among its sources: the same mirror is used.
mkdir -p debs/partial lists/partial root
touch status
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
apt=(apt-get -qq -y --no-install-recommends -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=-
  -o Dir::State::Lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder"
  -o Dir::Cache::Archives="$folder/debs")
"${apt[@]}" update >apt.log 2>&1
"${apt[@]}" --download-only install qemu-system-x86=1:10.0.13+ds-0+deb13u1 >>apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
run() {
  local program=$1
  shift
  QEMU_MODULE_DIR=$libraries/qemu "$libraries/ld-linux-x86-64.so.2" \
    --library-path "$libraries" "root/usr/bin/$program" "$@"
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

truncate -s 1M disk.raw
queue() {
  qmp x-query-virtio-queue-status "{\"path\":\"/machine/peripheral/$1/virtio-backend\",\"queue\":0}" >queue.log
  echo "$1: $(grep -o '"vring-num-default": [0-9]*' queue.log)"
}
{
  start -machine pc-q35-7.2 -device virtio-rng-pci,id=random -blockdev driver=file,node-name=disk0,filename=disk.raw \
    -device virtio-blk-pci,id=disk,drive=disk0,queue-size=64,num-queues=1
  queue random
  queue disk
  qmp qom-get '{"path":"/machine/peripheral/disk","property":"queue-size"}'
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='random: "vring-num-default": 1024
disk: "vring-num-default": 1024
qom-get: {"return": 64}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
