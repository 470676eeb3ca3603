#!/usr/bin/env bash
# restic 0.18.0 (Debian 13; 0.19.1 alike): a backup of a standard input that yields nothing leaves an empty snapshot.
#
# The producer of a stream that fails before its first byte, or a command of --stdin-from-command that prints nothing
# and exits with 0, makes restic exit with 3 ("no data read"). Yet it saves a snapshot without a file in it, under the
# same host and path as the good ones. "latest" is that snapshot from then on, and forget counts it: --keep-last 1
# removes the last good backup. restic 0.14.0 exits with 1 and saves nothing. A caller has to forget that snapshot at
# once.
#
# A guess from memory: a failed backup of a stream leaves no snapshot, as with a command that exits with 1.
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
count() { restic snapshots --json | grep -o '"short_id"' | wc -l; }
restic -q init
seen=$(
  echo data | restic -q backup --stdin --stdin-filename disk
  echo "a good backup: $(count) snapshot"
  status=0
  restic -q backup --stdin-filename disk --stdin-from-command -- false 2>err.log || status=$?
  echo "a command that fails: exit code $status, $(count) snapshot"
  status=0
  restic -q backup --stdin --stdin-filename disk </dev/null 2>err.log || status=$?
  echo "no data: exit code $status, $(count) snapshots"
  restic -q forget --keep-last 1
  status=0
  restic -q dump latest /disk 2>err.log || status=$?
  echo "after forget --keep-last 1: $(count) snapshot, dump exits with $status: $(cat err.log)"
)
echo "$seen"
expected='a good backup: 1 snapshot
a command that fails: exit code 1, 1 snapshot
no data: exit code 3, 2 snapshots
after forget --keep-last 1: 1 snapshot, dump exits with 1: Fatal: cannot dump file: path "/disk" not found in snapshot'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
