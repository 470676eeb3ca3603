#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): the filter copy-before-write takes a target that is smaller than the disk it protects.
#
# blockdev-backup refuses a target of another size, smaller or larger. The same work as a filter (for a fleecing snapshot
# over NBD) has no such check: blockdev-add answers {}, snapshot-access on top reports the disk's size, and all looks well
# at first. QEMU can end later because of it, with the guest. (10.0.13 and 11.1.2 accept it too.) Take the size for the
# target from query-named-block-nodes, at that moment.
#
# A guess from memory: "Source and target image have different sizes", as from blockdev-backup.
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

run qemu-img create -q -f qcow2 disk.qcow2 16M
run qemu-img create -q -f qcow2 target.qcow2 8M
{
  start -blockdev driver=qcow2,node-name=disk0,file.driver=file,file.filename=disk.qcow2 \
    -blockdev driver=qcow2,node-name=target0,file.driver=file,file.filename=target.qcow2
  qmp blockdev-backup '{"job-id":"job","device":"disk0","target":"target0","sync":"none"}'
  qmp blockdev-add '{"driver":"copy-before-write","node-name":"filter0","file":"disk0","target":"target0"}'
  qmp blockdev-add '{"driver":"snapshot-access","node-name":"snapshot0","file":"filter0"}'
  qmp query-named-block-nodes '{"flat":true}' >nodes.log
  sed 's/{"iops_rd/\n&/g' nodes.log | sed -nE 's/.*"virtual-size": ([0-9]+).*"node-name": "(target0|snapshot0)".*/\2: \1/p'
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='blockdev-backup: {"error": {"class": "GenericError", "desc": "Source and target image have different sizes"}}
blockdev-add: {"return": {}}
blockdev-add: {"return": {}}
snapshot0: 16777216
target0: 8388608'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
