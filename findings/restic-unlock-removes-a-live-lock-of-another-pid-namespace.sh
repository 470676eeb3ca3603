#!/usr/bin/env bash
# restic 0.18.0 (Debian 13; 0.14.0 and 0.19.1 alike): unlock removes the lock of a backup that is running.
#
# unlock leaves locks that are younger than 30 minutes, except those of its own host whose process is gone. "Its own
# host" is the host name, and "gone" means that no process here has that PID. With the same name in another PID
# namespace (a container, a sandbox, or the clone of a machine that kept its name) every lock looks stale. A prune
# then starts beside the backup and deletes what it has uploaded so far. The backup exits with 0, and its snapshot is
# damaged. Give each place that runs restic a host name of its own. restic/restic#4922 asks for a way to tell such
# places apart.
#
# A guess from memory: unlock leaves a lock that its owner has refreshed within the last 30 minutes.
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
export folder libraries RESTIC_REPOSITORY=$folder/repository RESTIC_PASSWORD=example RESTIC_CACHE_DIR=$folder/cache
restic -q init
# A backup in progress: some of its data is in the repository, and its end is not.
mkfifo stream
restic -q backup --stdin <stream 2>backup.log &
backup=$!
exec 3>stream
head -c 40M /dev/urandom >&3
locks() { find repository/locks -type f | wc -l; }
until [ -n "$(find repository/data -type f ! -name '*-tmp-*')" ]; do sleep 0.1; done
seen=$(
  exec 3>&-
  restic unlock
  echo "unlock in the same PID namespace: $(locks) lock"
  unshare --pid --fork --mount-proc "$BASH" -c "$(declare -f restic); restic unlock"
  echo "in another: $(locks) locks"
  status=0
  restic -q prune >prune.log 2>&1 || status=$?
  echo "prune while the backup runs: exit code $status"
)
head -c 1M /dev/urandom >&3
exec 3>&-
status=0
wait "$backup" || status=$?
backup=
seen+=$'\n'"the backup: exit code $status"
status=0
restic -q check >check.log 2>&1 || status=$?
seen+=$'\n'"check: exit code $status, $(grep -o 'The repository is damaged' check.log)"
echo "$seen"
expected='unlock in the same PID namespace: 1 lock
successfully removed 1 locks
in another: 0 locks
prune while the backup runs: exit code 0
the backup: exit code 0
check: exit code 1, The repository is damaged'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
