#!/usr/bin/env bash
# restic 0.18.0 (Debian 13; 0.19.1 alike): restore --sparse makes no holes in a file that exists.
#
# restore leaves the parts alone that are as in the snapshot, and writes the others, zeros included. So a thin disk
# that is restored over a later state of itself takes up room for zeros where data was. Only a file that restore
# creates gets holes. Delete the target first, or restore beside it and rename.
#
# A guess from memory: zeros become holes in either case.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs Debian's apt.
mkdir -p debs/partial lists/partial root
touch status
echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p) trixie main" >sources.list
apt() {
  apt-get -qq -y --no-install-recommends -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" \
    -o Dir::Cache::archives="$folder/debs" "$@" >apt.log 2>&1
}
apt update
apt --download-only install restic=0.18.0-1+b4
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
restic() { "$folder/root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" "$folder/root/usr/bin/restic" "$@"; }
export RESTIC_REPOSITORY=$folder/repository RESTIC_PASSWORD=example RESTIC_CACHE_DIR=$folder/cache
restic -q init
truncate -s 20M disk
printf data | dd of=disk bs=1 seek=5000000 conv=notrunc status=none
restic -q backup disk
seen=$(
  mkdir new old same
  # An older state of the disk, with data where the backup has a hole; and the very state that was saved.
  head -c 20M /dev/zero | tr '\0' x >old/disk
  cp --sparse=always disk same/disk
  for target in new same old; do
    restic restore latest -q --sparse --target $target >restore.log
    cmp disk $target/disk
    [ "$(du -k $target/disk | cut -f 1)" -gt 10000 ] && echo "$target: full" || echo "$target: sparse"
  done
)
echo "$seen"
expected='new: sparse
same: sparse
old: full'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
