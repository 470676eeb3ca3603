#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): a snapshot-load that fails has reverted the disks all the same, and cont is then accepted.
#
# The disks are reverted first, the state of memory and devices is loaded after that. When the second step fails (here the
# machine lacks a DIMM that the snapshot had), the job ends with an error, the old memory stays, and the disk is the
# snapshot's: all that was written since is gone. The machine stays in "restore-vm", but cont answers {} and it runs,
# with a memory that knows another disk. Quit it instead. (10.0.13 and 11.1.2 do the same.)
#
# A guess from memory: a load that fails leaves the disks as they were, or at least a machine that refuses cont.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 qemu-utils=1:7.2+dfsg-7+deb12u18+b3 >apt.log 2>&1
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

run qemu-img create -q -f qcow2 disk.qcow2 8M
disk=(-m 64,slots=1,maxmem=1G -blockdev driver=qcow2,node-name=disk0,file.driver=file,file.filename=disk.qcow2
  -device virtio-blk-pci,drive=disk0,addr=5)
snapshot() {
  qmp "$1" '{"job-id":"job","tag":"one","vmstate":"disk0","devices":["disk0"]}'
  until qmp query-jobs >jobs.log && grep -q concluded jobs.log; do sleep 0.1; done
  grep -o '"error": .*' jobs.log || true
  qmp job-dismiss '{"id":"job"}' >>jobs.log
}
# Says which byte the first 64 kB of the disk consist of.
content() {
  for byte in 1 2; do
    if run qemu-io -U -r -f qcow2 -c "read -q -P $byte 0 64k" disk.qcow2 >read.log; then echo "disk: $byte"; fi
  done
}

{
  run qemu-io -c 'write -q -P 1 0 64k' disk.qcow2
  start "${disk[@]}" -object memory-backend-ram,id=mem1,size=128M -device pc-dimm,memdev=mem1
  snapshot snapshot-save
  stop
  run qemu-io -c 'write -q -P 2 0 64k' disk.qcow2
  content
  start "${disk[@]}"
  qmp cont
  snapshot snapshot-load
  qmp query-status
  content
  qmp cont
  qmp query-status
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='snapshot-save: {"return": {}}
disk: 2
cont: {"return": {}}
snapshot-load: {"return": {}}
"error": "Error -22 while loading VM state"}]}
query-status: {"return": {"status": "restore-vm", "singlestep": false, "running": false}}
disk: 1
cont: {"return": {}}
query-status: {"return": {"status": "running", "singlestep": false, "running": true}}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
