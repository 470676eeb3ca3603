#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): a saved state loads into a machine that has a device more, and nothing says so.
#
# A state is a list of sections, one for each device that was there. A section without its device is an error; a device
# without its section is not. It then stays as after its creation, in a guest whose kernel never saw it appear: a disk
# added to the command line of a suspended or cloned guest is in query-block and not in the guest. (10.0.13 and 11.1.2
# do the same.) Add devices by device_add after the load.
#
# A guess from memory: both sides must have the same devices, so an extra one fails the load as a missing one does.
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

save() {
  rm -f state
  qmp migrate '{"uri":"exec:cat >state.part && mv state.part state"}'
  until [ -e state ]; do sleep 0.1; done
}
load() {
  qmp migrate-incoming '{"uri":"exec:cat state"}'
  while qmp query-status >status.log && grep -q inmigrate status.log; do sleep 0.1; done
  cat status.log
}
disk=(-blockdev driver=file,node-name=disk0,filename=disk.raw -device virtio-blk-pci,drive=disk0)
truncate -s 1M disk.raw
{
  start
  save
  stop
  echo 'one disk more:'
  start -incoming defer "${disk[@]}"
  load
  qmp cont
  stop
  start "${disk[@]}"
  save
  stop
  echo 'one disk less:'
  start -incoming defer
  qmp migrate-incoming '{"uri":"exec:cat state"}'
  wait
} >seen.log
seen=$(cat seen.log; grep -o "Unknown savevm section or instance '[^']*'" error.log)
echo "$seen"
expected='migrate: {"return": {}}
one disk more:
migrate-incoming: {"return": {}}
query-status: {"return": {"status": "prelaunch", "singlestep": false, "running": false}}
cont: {"return": {}}
migrate: {"return": {}}
one disk less:
migrate-incoming: {"return": {}}
Unknown savevm section or instance '"'0000:00:01.0/virtio-blk'"
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
