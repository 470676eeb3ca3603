#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): blockdev-snapshot-delete-internal-sync that fails on a full disk has forgotten the snapshot.
#
# It takes the snapshot off its list in memory before it writes the list into the qcow2 file, and does not put it back. The
# file still lists the snapshot, which can be read; QEMU does not, and says so at each later deletion. The next snapshot
# that is taken or deleted rewrites the file's list without it, and its clusters leak. The undo within a failed
# transaction is such a deletion, too, and fails in silence. What brings both together again is to take a snapshot of that
# name and delete it. query-named-block-nodes has what QEMU knows, and qemu-img info what the file lists.
#
# A guess from memory: a deletion that fails changes nothing, and succeeds when it is repeated with room on the disk.
set -euo pipefail
# A mount namespace of its own: the full disk, a tmpfs, disappears with it. Needs root.
[ "${INSIDE:-}" ] || INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
folder=$(mktemp -d)
trap 'umount -l "$folder/small" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root small
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
  while read -r -t 60 answer <&"${QEMU[0]}"; do
    case $answer in *'"event"'* | *'"QMP"'*) ;; *) break ;; esac
  done
  echo "$1: ${answer%$'\r'}"
}
stop() {
  echo '{"execute":"quit"}' >&"${QEMU[1]}"
  wait
}

mount -t tmpfs -o size=4m tmpfs small
fill() {
  for size in 256k 4k; do
    timeout 20 dd if=/dev/zero of=small/ballast bs=$size oflag=append conv=notrunc 2>>fill.log || true
  done
}
run qemu-img create -q -f qcow2 small/disk0.qcow2 1M
names() { tr -d '\n' | grep -o '"name": "s[0-9]"' | tr -d '"' | cut -c7- | paste -sd' '; }
lists() {
  echo "the file lists: $(run qemu-img info -U --output=json small/disk0.qcow2 | names)"
  qmp query-named-block-nodes '{"flat":true}' >nodes.log
  echo "QEMU knows: $(names <nodes.log)"
}
# Prints the error of a command, or that it has none.
try() {
  qmp "$1" "$2" >try.log
  echo "$1: $(grep -o '"desc": "[^"]*"' try.log || echo 'no error')"
}
delete() { try blockdev-snapshot-delete-internal-sync "{\"device\":\"disk0\",\"name\":\"$1\"}"; }
{
  start -blockdev driver=qcow2,node-name=disk0,file.driver=file,file.filename=small/disk0.qcow2
  for name in s1 s2; do
    qmp blockdev-snapshot-internal-sync "{\"device\":\"disk0\",\"name\":\"$name\"}" >>start.log
  done
  fill
  delete s2
  rm small/ballast
  delete s2
  lists
  try blockdev-snapshot-internal-sync '{"device":"disk0","name":"s2"}'
  delete s2
  lists
  stop
  echo "clusters that leak: $(run qemu-img check small/disk0.qcow2 2>&1 | grep -c 'Leaked cluster')"
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected="blockdev-snapshot-delete-internal-sync: \"desc\": \"Failed to remove snapshot from snapshot list: No space left on device\"
blockdev-snapshot-delete-internal-sync: \"desc\": \"Snapshot with id 'null' and name 's2' does not exist on device 'disk0'\"
the file lists: s1 s2
QEMU knows: s1
blockdev-snapshot-internal-sync: no error
blockdev-snapshot-delete-internal-sync: no error
the file lists: s1
QEMU knows: s1
clusters that leak: 1"
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
