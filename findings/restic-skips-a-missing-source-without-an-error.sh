#!/usr/bin/env bash
# restic 0.18.0 (Debian 13; 0.14.0 alike, 0.19.1 exits with 3): a source that does not exist does not fail a backup.
#
# While at least one of the given sources exists, backup writes a line to stderr, saves a snapshot of the others and
# exits with 0. Exit code 3 (some source data could not be read) is for what cannot be read below a source. The
# snapshot's own list of paths leaves the missing one out, so retention, which groups by paths, counts it apart.
#
# A guess from memory: exit code 3, the one for an incomplete snapshot.
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
mkdir disk1
echo text >disk1/data
status=0
restic -q backup disk1 disk2 2>err.log || status=$?
seen=$(
  echo "exit code $status: $(cat err.log)"
  restic ls latest --json | sed -nE 's/.*"path":"([^"]*)".*/in the snapshot: \1/p'
  restic snapshots --json | sed -nE "s|.*\"paths\":\[([^]]*)\].*|paths: \1|p" | sed "s|$folder||g"
)
echo "$seen"
expected='exit code 0: disk2 does not exist, skipping
in the snapshot: /disk1
in the snapshot: /disk1/data
paths: "/disk1"'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
