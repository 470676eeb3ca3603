#!/usr/bin/env bash
# QEMU guest agent 7.2.22 (Debian 12): a file that guest-file-open creates has mode 0666, whatever the umask.
#
# The agent opens a new file without permissions and then sets them with fchmod(2), which the umask does not affect. It runs
# as root, so a config or a cron file that is copied into a guest can be changed by every user of the guest. Create the
# file with its mode first, by guest-exec for example; guest-file-open keeps the mode of a file that exists.
#
# A guess from memory: mode "w" creates files as fopen(3) does, with 0644 under the umask 022 of a service.
set -euo pipefail
folder=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent"; rm -rf "$folder"' EXIT
cd "$folder"
# The packages and all that they depend on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install qemu-guest-agent=1:7.2+dfsg-7+deb12u18+b3 socat=1.7.4.4-2 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

run() {
  exec root/lib64/ld-linux-x86-64.so.2 --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" "root/usr/$1" "${@:2}"
}
umask 022
(run sbin/qemu-ga --method unix-listen --path "$folder/socket" --statedir "$folder") &
agent=$!
until [ -S socket ]; do sleep 0.1; done
ask() { (run bin/socat -t 5 - "UNIX-CONNECT:$folder/socket") <<<"$1" | head -n 1; }
create() {
  local handle
  handle=$(ask '{"execute":"guest-file-open","arguments":{"path":"'"$folder/$1"'","mode":"w"}}')
  ask '{"execute":"guest-file-close","arguments":{"handle":'"${handle//[^0-9]/}"'}}' >/dev/null
  stat -c '%n %a' "$1"
}
(umask 077 && : >existing)
seen=$(
  create new
  create existing
)
echo 'guess: new 644'
echo "$seen"
expected='new 666
existing 600'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
