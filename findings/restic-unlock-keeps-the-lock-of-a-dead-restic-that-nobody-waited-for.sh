#!/usr/bin/env bash
# restic 0.14.0 (Debian 12): unlock says "successfully removed locks", and keeps the lock of a restic that was killed, for
# as long as its parent has not waited for it.
#
# A lock is stale when its process is gone, which restic asks by sending that process a signal. A zombie takes signals like
# a living process. So the lock of a killed restic stays where nothing collects orphans, as in a container whose first
# process is the program itself: prune fails, and unlock exits with 0 each time. Once the zombie is gone, the same unlock
# removes the lock. Let the first process collect orphans (docker run --init, podman run --init), and count what `restic
# list locks --no-lock` has rather than believe the message.
#
# A guess from memory: unlock removes the locks of killed processes of this host at once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install restic=0.14.0-1+b5 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu
restic=(root/lib64/ld-linux-x86-64.so.2 --library-path "$libraries" root/usr/bin/restic -q)
export RESTIC_REPOSITORY=$folder/repository RESTIC_CACHE_DIR=$folder/cache RESTIC_PASSWORD=example
"${restic[@]}" init
locks() { "${restic[@]}" list locks --no-lock | wc -l; }
# A backup has its lock for as long as its input is open.
mkfifo input
exec 3<>input
echo data >&3
# The backup, and then its parent, which turns into a program that never waits.
bash -c 'exec 3>&-; "$@" backup --stdin <input >backup.log 2>&1 & echo $! >pid; exec sleep 600' - "${restic[@]}" &
parent=$!
until [ "$(locks)" = 1 ]; do sleep 0.2; done
pid=$(cat pid)
kill -KILL "$pid"
until grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.1; done
seen=$(
  echo "zombie: $(root/lib64/ld-linux-x86-64.so.2 --library-path "$libraries" root/usr/bin/restic unlock), locks: $(locks)"
  "${restic[@]}" prune >prune.log 2>&1 && echo 'prune: works' || echo 'prune: fails'
)
kill "$parent"
wait "$parent" 2>wait.log || true
until [ ! -e "/proc/$pid" ]; do sleep 0.1; done
"${restic[@]}" unlock
seen+=$'\n'"collected: locks: $(locks)"
exec 3>&-
echo "$seen"
expected='zombie: successfully removed locks, locks: 1
prune: fails
collected: locks: 0'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
