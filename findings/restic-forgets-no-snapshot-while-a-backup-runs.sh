#!/usr/bin/env bash
# restic 0.18.0 (Debian 13; 0.14.0 and 0.19.1 alike): one running backup keeps everybody from forgetting any snapshot.
#
# Backups share a repository, and prune locks it exclusively. So do forget, though without --prune it only deletes the
# small file of a snapshot, and tag and check. While any host backs up to the repository, they exit with 11 (0.14.0: 1).
# A caller that saved a spoiled snapshot and wants it gone has to wait for all the others (--retry-lock, from 0.16).
#
# A guess from memory: only prune excludes backups; forget of one snapshot ID runs beside them.
set -euo pipefail
folder=$(mktemp -d)
backup=
trap '[ -z "$backup" ] || kill "$backup"; rm -rf "$folder"' EXIT
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
echo text >file
restic -q backup file
id=$(restic snapshots --json | sed -nE 's/.*"id":"([0-9a-f]*)".*/\1/p')
# A backup by another host, of a stream that goes on until the file descriptor is closed.
mkfifo stream
restic -q backup --host other --stdin <stream &
backup=$!
exec 3>stream
until [ -n "$(ls repository/locks)" ]; do sleep 0.1; done
try() {
  local status=0
  restic -q "$@" >out.log 2>&1 || status=$?
  echo "exit code $status"
}
seen=$(
  exec 3>&-
  echo "backup: $(try backup file)"
  echo "forget ID: $(try forget "$id")"
  echo "tag ID: $(try tag --add spoiled "$id")"
  echo "check: $(try check)"
)
echo data >&3
exec 3>&-
wait "$backup"
backup=
seen+=$'\n'"forget ID, no backup running: $(try forget "$id")"
echo "$seen"
expected='backup: exit code 0
forget ID: exit code 11
tag ID: exit code 11
check: exit code 11
forget ID, no backup running: exit code 0'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
