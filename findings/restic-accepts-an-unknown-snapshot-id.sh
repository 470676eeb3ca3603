#!/usr/bin/env bash
# restic 0.18.0 (Debian 13; 0.14.0 and 0.19.1 alike): a snapshot ID that the repository does not hold is no error.
#
# snapshots, forget, tag and stats write "Ignoring ..." to stderr and exit with 0. A forget that removed nothing looks
# like one that worked, a check by "snapshots ID" finds every ID, and stats reports a size of 0. ls, dump and restore
# exit with 1. A caller has to look for the ID in the list of snapshots, before and after.
#
# A guess from memory: an unknown ID fails, as it does for restore.
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
echo text >file
restic -q backup file
seen=$(
  for command in 'snapshots --json' forget 'tag --add kept' 'stats --json' ls 'restore --target out' 'dump latest'; do
    status=0
    output=$(restic -q $command 0123456789abcdef 2>err.log) || status=$?
    echo "$command: exit code $status $output"
  done
)
echo "$seen"
expected='snapshots --json: exit code 0 []
forget: exit code 0 
tag --add kept: exit code 0 
stats --json: exit code 0 {"total_size":0,"snapshots_count":0}
ls: exit code 1 
restore --target out: exit code 1 
dump latest: exit code 1 '
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
