#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): after a load, a virtio-net's "mac" property is not the address that the device has.
#
# The address in use is part of a virtio-net's state: loading it replaces the one from the command line, without an error.
# qom-get and "info network" go on showing the command line's, query-rx-filter shows the one in force. At the next reset
# the device takes the command line's, so the guest's address changes when it reboots. (10.0.13 and 11.1.2 do the same;
# e1000e refuses such a load.) A clone of a saved guest needs a NIC that is plugged in after the load.
#
# A guess from memory: the command line wins, or the load fails.
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
nic() { echo "-netdev hubport,id=net0,hubid=1 -device virtio-net-pci,id=nic0,netdev=net0,romfile=,mac=$1"; }
macs() {
  qmp qom-get '{"path":"/machine/peripheral/nic0","property":"mac"}'
  qmp query-rx-filter '{"name":"nic0"}' >filter.log
  grep -o '"main-mac": "[0-9a-f:]*"' filter.log
}
{
  start $(nic 52:54:00:00:00:01)
  save
  stop
  start $(nic 52:54:00:00:00:02) -incoming defer
  load
  macs
  qmp system_reset
  macs
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='migrate: {"return": {}}
migrate-incoming: {"return": {}}
query-status: {"return": {"status": "prelaunch", "singlestep": false, "running": false}}
qom-get: {"return": "52:54:00:00:00:02"}
"main-mac": "52:54:00:00:00:01"
system_reset: {"return": {}}
qom-get: {"return": "52:54:00:00:00:02"}
"main-mac": "52:54:00:00:00:02"'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
