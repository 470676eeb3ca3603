#!/usr/bin/env bash
# QEMU 10.0.13 (Debian 13): snapshot-load under a copy-before-write filter changes what the fleecing snapshot contains.
#
# The filter keeps the old data of what the guest overwrites. A revert exchanges the disk's tables below the filter, which
# sees no write and keeps nothing: from then on the snapshot (snapshot-access) has the data of the reverted disk, and a
# backup that reads it is a mixture of two states, without an error anywhere. snapshot-load of the node below is accepted;
# of the filter it is not. (11.1.2 does the same; 7.2.22 refuses, as the filter's bitmap is on the disk's node there. Any
# bitmap on the node, such as those of an incremental backup, makes all three refuse.)
#
# A guess from memory: the load is refused as long as the filter is there, or the snapshot keeps its content.
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
    case $answer in *'"event"'* | *'"QMP"'*) ;; '{'*) break ;; *) echo "$answer" >>output.log ;; esac
  done
  echo "$1: ${answer%$'\r'}"
}
stop() {
  echo '{"execute":"quit"}' >&"${QEMU[1]}"
  wait
}

run qemu-img create -q -f qcow2 disk.qcow2 8M
run qemu-img create -q -f qcow2 target.qcow2 8M
run qemu-io -c 'write -q -P 1 0 64k' disk.qcow2
job() {
  qmp "$1" "$2" >>start.log
  until qmp query-jobs >jobs.log && grep -q concluded jobs.log; do sleep 0.1; done
  echo "$1: $(grep -o '"error": "[^"]*"' jobs.log || echo 'no error')"
  qmp job-dismiss '{"id":"job"}' >>start.log
}
# Says which byte the first 64 kB of a node consist of. qemu-io prints a line only when they do not.
content() {
  for byte in 1 2; do
    : >output.log
    qmp human-monitor-command "{\"command-line\":\"qemu-io $1 \\\"read -q -P $byte 0 64k\\\"\"}" >>start.log
    [ -s output.log ] || echo "$1: $byte"
  done
}
disks=(-blockdev driver=qcow2,node-name=disk0,file.driver=file,file.filename=disk.qcow2
  -blockdev driver=qcow2,node-name=target0,file.driver=file,file.filename=target.qcow2)
{
  start "${disks[@]}"
  job snapshot-save '{"job-id":"job","tag":"one","vmstate":"disk0","devices":["disk0"]}'
  stop
  run qemu-io -c 'write -q -P 2 0 64k' disk.qcow2
  start "${disks[@]}"
  qmp blockdev-add '{"driver":"copy-before-write","node-name":"filter0","file":"disk0","target":"target0"}'
  qmp blockdev-add '{"driver":"snapshot-access","node-name":"fleecing0","file":"filter0"}'
  content fleecing0
  job snapshot-load '{"job-id":"job","tag":"one","vmstate":"disk0","devices":["disk0"]}'
  content fleecing0
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='snapshot-save: no error
blockdev-add: {"return": {}}
blockdev-add: {"return": {}}
fleecing0: 2
snapshot-load: no error
fleecing0: 1'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
