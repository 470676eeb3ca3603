#!/usr/bin/env bash
# qemu-img dd 7.2.22 (Debian 12): count= includes the blocks that skip= leaves out.
#
# count limits the input to its first blocks, and skip is taken from those. So bs=512 skip=4 count=2 asks for blocks 4 and
# 5 of an input that ends after block 1: qemu-img complains, writes an empty file, and exits with 0. count=6 returns the
# two blocks. The documentation shows both options without saying so.
#
# A guess from memory: as with dd(1), count blocks are copied after those that were skipped; and an error has an exit code.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install qemu-utils=1:7.2+dfsg-7+deb12u18+b3 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
qemu_img() {
  root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu" root/usr/bin/qemu-img "$@"
}

for block in {0..9}; do printf "%0512d" "$block"; done >disk.raw
blocks() { fold -w 512 "$1" | sed 's/^0*\(.\)$/\1/' | tr '\n' ' '; }

dd if=disk.raw of=by-dd bs=512 skip=4 count=2 status=none
echo "dd skip=4 count=2: blocks $(blocks by-dd)"
refusal=$(qemu_img dd -f raw -O raw if=disk.raw of=refused bs=512 skip=4 count=2 2>&1) && status=0 || status=$?
echo "qemu-img dd skip=4 count=2: exit code $status: $refusal"
qemu_img dd -f raw -O raw if=disk.raw of=by-qemu bs=512 skip=4 count=6
echo "qemu-img dd skip=4 count=6: blocks $(blocks by-qemu)"

[ "$status" = 0 ] && [ ! -s refused ] && [[ $refusal == *'cannot skip to specified offset'* ]] && cmp -s by-dd by-qemu ||
  { echo 'This has changed.' >&2; exit 1; }
