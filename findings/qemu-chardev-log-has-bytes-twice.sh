#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): the logfile of a socket chardev repeats bytes that a connected client does not take at once.
#
# A client that reads slowly lets the socket's buffer fill up, and a write of the serial port fails with EAGAIN. QEMU logs
# the byte of the failed write, and logs it again when the port retries. A client that always reads can be late on a busy
# host, too. It receives each byte once. Without a client no write fails, and the log is exact. (10.0.13 and 11.1.2 do
# the same.) To keep a log exact, disconnect each client before the guest writes.
#
# A guess from memory: the log holds each byte once, whether a client is connected or not.
set -euo pipefail
folder=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill "$machine" || true; rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
run() {
  QEMU_MODULE_DIR=$libraries/qemu exec timeout 20 root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" root/usr/bin/qemu-system-x86_64 \
    -L root/usr/share/seabios -L root/usr/share/qemu -L root/usr/lib/ipxe/qemu \
    -machine q35,accel=tcg -m 64 -nodefaults -display none -device isa-debug-exit,iobase=0xf4 "$@"
}

# A boot sector that writes 4096 bytes to the first serial port, 0 to 255 again and again, and then ends QEMU.
{
  printf '\x31\xDB'             # 00       xor bx, bx
  printf '\xBA\xF8\x03\x88\xD8' # 02 next: mov dx, 0x3f8; mov al, bl
  printf '\xEE\xBA\xFD\x03'     # 07       out dx, al; mov dx, 0x3fd (line status)
  printf '\xEC\xA8\x40\x74\xFB' # 0b wait: in al, dx; test al, 0x40 (transmitter empty); jz wait
  printf '\x43\x80\xFF\x10'     # 10       inc bx; cmp bh, 0x10
  printf '\x75\xEC\xE6\xF4'     # 14       jne next; out 0xf4, al
  printf '\xF4\xEB\xFD'         # 18 halt: hlt; jmp halt
} >disk
truncate -s 510 disk
printf '\x55\xAA' >>disk
truncate -s 1M disk

# Boots it with a log. With wait=on the machine starts once a client is connected.
boot() {
  run -drive file=disk,format=raw -device isa-serial,chardev=serial \
    -chardev "socket,id=serial,path=socket,server=on,wait=$1,logfile=$2" 2>error.log
}
# QEMU's exit code is 2 * AL + 1, and AL is the line status: 0x60, transmitter empty.
ended() { [ "$1" = 193 ] || { cat error.log >&2; echo "QEMU ended with $1" >&2; exit 1; }; }
code=0
(boot off quiet.log) || code=$?
ended "$code"
rm -f socket
(boot on slow.log) &
machine=$!
timeout 20 bash -c 'until grep -q "waiting for connection" error.log; do sleep 0.1; done'
# Each read takes all that is there, and the guest fills the buffer during the pause.
timeout 20 perl -MIO::Socket::UNIX -e '
  $socket = IO::Socket::UNIX->new("socket") or die $!;
  while (sysread $socket, $bytes, 65536) { print $bytes; select undef, undef, undef, 0.25 }' >received
code=0
wait "$machine" || code=$?
machine=
ended "$code"

for round in {1..16}; do printf '%4d\n' {0..255}; done >written
describe() {
  od -An -v -t u1 -w1 "$1" >bytes
  uniq bytes >runs
  if cmp -s bytes written; then
    echo 'each byte once'
  elif cmp -s runs written; then
    echo 'some bytes repeated'
  else
    echo 'other bytes'
  fi
}
seen="log without a client: $(describe quiet.log)
log with a slow client: $(describe slow.log)
a slow client received: $(describe received)"
echo "$seen"
expected='log without a client: each byte once
log with a slow client: some bytes repeated
a slow client received: each byte once'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
