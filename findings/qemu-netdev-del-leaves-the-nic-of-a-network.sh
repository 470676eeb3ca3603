#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): netdev_del removes the network of a NIC in use, and a new one of the same id is not its network.
#
# blockdev-del refuses a node that a device uses; netdev_del answers {} at once. The NIC keeps the name of what it lost:
# its "netdev" property still says net0. netdev_add then makes a second net0, and the NIC is connected to neither: the
# hub that the new one joins lists no NIC. Nothing reconnects them but device_del and device_add of the NIC. (10.0.13
# and 11.1.2 answer {} as well.)
#
# A guess from memory: an error that the netdev is in use; failing that, the new netdev takes the place of the old.
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

hmp() { qmp human-monitor-command '{"command-line":"info network"}'; }
{
  start -netdev hubport,id=net0,hubid=1 -device virtio-net-pci,id=nic0,netdev=net0,romfile=,mac=52:54:00:00:00:01
  hmp
  qmp netdev_del '{"id":"net0"}'
  hmp
  qmp netdev_add '{"type":"hubport","id":"net0","hubid":1}'
  qmp qom-get '{"path":"/machine/peripheral/nic0","property":"netdev"}'
  hmp
  stop
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='human-monitor-command: {"return": "hub 1\r\n \\ net0: nic0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:01\r\n"}
netdev_del: {"return": {}}
human-monitor-command: {"return": "hub 1\r\n"}
netdev_add: {"return": {}}
qom-get: {"return": "net0"}
human-monitor-command: {"return": "hub 1\r\n \\ net0\r\n"}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
