#!/usr/bin/env bash
# QEMU 10.0.13 (Debian 13): a guest that was loaded with -S is "paused", but its disks cannot be changed before cont.
#
# 7.2.22 hands the disks over at the end of the load. 10.0.13 leaves them inactive until the guest runs, though query-status
# says the same as for a guest that was stopped: block_resize is refused, an internal snapshot fails with the untrue reason
# that qcow2 has none, and persistent bitmaps are not found, as if they were lost. blockdev-set-active (new in 10.0) ends
# it without cont. (11.1.2 does the same.)
#
# A guess from memory: "paused" is "paused"; a clone's disk can be grown before the guest sees it, as with 7.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Debian 13's packages and all that they depend on, unpacked into the temporary folder; nothing is installed. Needs apt, with
# Debian among its sources: the same mirror is used.
mkdir -p debs/partial lists/partial root
touch status
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
apt=(apt-get -qq -y --no-install-recommends -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=-
  -o Dir::State::Lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder"
  -o Dir::Cache::Archives="$folder/debs")
"${apt[@]}" update >apt.log 2>&1
"${apt[@]}" --download-only install qemu-system-x86=1:10.0.13+ds-0+deb13u1 qemu-utils=1:10.0.13+ds-0+deb13u1 >>apt.log 2>&1
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

run qemu-img create -q -f qcow2 disk.qcow2 8M
run qemu-img bitmap --add disk.qcow2 bitmap0
disk=(-blockdev driver=qcow2,node-name=disk0,file.driver=file,file.filename=disk.qcow2 -device virtio-blk-pci,drive=disk0)
attempt() {
  qmp query-status
  qmp block-dirty-bitmap-disable '{"node":"disk0","name":"bitmap0"}'
  qmp block_resize '{"node-name":"disk0","size":16777216}'
  qmp blockdev-snapshot-internal-sync '{"device":"disk0","name":"one"}'
}
{
  start "${disk[@]}"
  qmp cont
  qmp stop
  qmp migrate "{\"uri\":\"file:$folder/state\"}"
  until qmp query-migrate >migrate.log && grep -q '"status": "completed"' migrate.log; do sleep 0.1; done
  stop
  start "${disk[@]}" -incoming defer
  qmp migrate-incoming "{\"uri\":\"file:$folder/state\"}"
  while qmp query-status >status.log && grep -q inmigrate status.log; do sleep 0.1; done
  attempt
  qmp blockdev-set-active '{"node-name":"disk0","active":true}'
  attempt
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='cont: {"return": {}}
stop: {"return": {}}
migrate: {"return": {}}
migrate-incoming: {"return": {}}
query-status: {"return": {"status": "paused", "running": false}}
block-dirty-bitmap-disable: {"error": {"class": "GenericError", "desc": "Dirty bitmap '"'bitmap0'"' not found"}}
block_resize: {"error": {"class": "GenericError", "desc": "Permission '"'resize'"' unavailable on inactive node"}}
blockdev-snapshot-internal-sync: {"error": {"class": "GenericError", "desc": "Block format '"'qcow2'"' used by device '"'disk0'"' does not support internal snapshots"}}
blockdev-set-active: {"return": {}}
query-status: {"return": {"status": "paused", "running": false}}
block-dirty-bitmap-disable: {"return": {}}
block_resize: {"return": {}}
blockdev-snapshot-internal-sync: {"return": {}}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
