#!/usr/bin/env bash
# restic 0.18.0 (Debian 13; 0.19.1 has mended it): the summary of a skipped backup says that it took minus 292 years.
#
# With --skip-if-unchanged and nothing changed, restic saves no snapshot and exits with 0. The summary of --json then has
# no snapshot_id, as documented, but also a backup_end in the year 1 and a total_duration of -9223372036 seconds. Take
# neither into a metric unless there is a snapshot_id, and measure the time yourself.
#
# A guess from memory: backup_end and total_duration as of any other run.
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
mkdir disk
echo data >disk/data
restic -q backup disk
status=0
restic backup --json --skip-if-unchanged disk >out.log || status=$?
seen=$(
  echo "exit code $status"
  summary=$(grep '"message_type":"summary"' out.log)
  grep -oE '"(total_duration|backup_end|snapshot_id)":[^,}]*' <<<"$summary"
)
echo "$seen"
expected='exit code 0
"total_duration":-9223372036.854776
"backup_end":"0001-01-01T00:00:00Z"'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
