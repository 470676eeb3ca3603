#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): the job snapshot-delete ends without an error when no disk has such a snapshot.
#
# It deletes the tag where it finds it and passes over the other disks, so a misspelt tag, and a snapshot that one of two
# disks lacks, both end as a deletion does. snapshot-load and blockdev-snapshot-delete-internal-sync name what is missing.
# (10.0.13 and 11.1.2 do the same.) Whether there was anything to delete, a caller has to look up itself before.
#
# A guess from memory: the error "Snapshot 'one' does not exist in one or more devices", as from snapshot-load.
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
job() {
  qmp "$1" "$2" >>start.log
  until qmp query-jobs >jobs.log && grep -q concluded jobs.log; do sleep 0.1; done
  echo "$1: $(grep -o '"error": "[^"]*"' jobs.log || echo 'no error')"
  qmp job-dismiss '{"id":"job"}' >>start.log
}
{
  start -blockdev driver=qcow2,node-name=disk0,file.driver=file,file.filename=disk.qcow2
  job snapshot-load '{"job-id":"job","tag":"one","vmstate":"disk0","devices":["disk0"]}'
  job snapshot-delete '{"job-id":"job","tag":"one","devices":["disk0"]}'
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected="snapshot-load: \"error\": \"Snapshot 'one' does not exist in one or more devices\"
snapshot-delete: no error"
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
