#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12), TCG: a state saved with one CPU model loads with another, and nothing says so.
#
# The model is not in the state, only the registers are. A guest that started with "max" and finds itself on "qemu64" no
# longer has the instructions that its programs chose at their start; it stops answering, and QEMU reports a running guest.
# The number of vCPUs, the memory's size and the machine type are compared. (10.0.13 and 11.1.2 do the same.) Keep the
# model, with the version of QEMU for "max" and the host for "host", beside a saved state and compare them yourself.
#
# A guess from memory: the load fails, as with another machine type.
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
{
  start -cpu max
  save
  stop
  start -cpu qemu64 -incoming defer
  load
  qmp qom-get '{"path":"/machine/unattached/device[0]","property":"type"}'
  qmp cont
  qmp query-status
  stop
} >seen.log
seen=$(cat seen.log error.log)
echo "$seen"
expected='migrate: {"return": {}}
migrate-incoming: {"return": {}}
query-status: {"return": {"status": "prelaunch", "singlestep": false, "running": false}}
qom-get: {"return": "qemu64-x86_64-cpu"}
cont: {"return": {}}
query-status: {"return": {"status": "running", "singlestep": false, "running": true}}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
