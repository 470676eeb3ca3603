#!/usr/bin/env bash
# QEMU 7.2.22 (Debian 12): with "-action watchdog=poweroff", an expired i6300esb ends QEMU without a SHUTDOWN event.
#
# The WATCHDOG event is the last one. QEMU then exits with status 0, but as if from a signal handler: its QMP socket's
# file stays behind, which a QEMU that ends by "quit" or by a guest's shutdown removes. A program that tells a crash from
# an orderly end by either of them takes this for a crash.
#
# A guess from memory: as after a shutdown of the guest, a SHUTDOWN event and no leftovers.
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
qemu() {
  QEMU_MODULE_DIR=$libraries/qemu root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" root/usr/bin/qemu-system-x86_64 \
    -L root/usr/share/seabios -L root/usr/share/qemu -L root/usr/lib/ipxe/qemu \
    -machine q35,accel=tcg -m 64 -nodefaults -display none -qmp stdio "$@"
}

# A boot sector that starts the watchdog at PCI address 15.0 and halts: clock 1 MHz (register 60h), enable (register 68h).
truncate -s 1M disk.raw
printf '\xfa\xba\xf8\x0c\x66\xb8\x60\xa8\x00\x80\x66\xef\xba\xfc\x0c\xb8\x04\x00\xef\xba\xf8\x0c\x66\xb8\x68\xa8\x00\x80\x66\xef\xba\xfc\x0c\xb0\x02\xee\xf4\xeb\xfd' |
  dd of=disk.raw conv=notrunc status=none
printf '\x55\xaa' | dd of=disk.raw bs=1 seek=510 conv=notrunc status=none

status=0
{ echo '{"execute":"qmp_capabilities"}'; sleep 40; } |
  qemu -chardev socket,id=mark,path=mark.sock,server=on,wait=off -action watchdog=poweroff -device i6300esb,addr=15.0 \
    -drive if=virtio,format=raw,file=disk.raw >qmp.log 2>/dev/null || status=$?
grep -oE '"event": "[A-Z_]+"(, "data": \{"action": "[a-z]+"\})?' qmp.log | grep -vE 'RESET|RTC'
echo "exit status: $status; socket left behind: $([ -S mark.sock ] && echo yes || echo no)"
grep -q '"WATCHDOG"' qmp.log && ! grep -q '"SHUTDOWN"' qmp.log && [ -S mark.sock ] || { echo 'This has changed.' >&2; exit 1; }
