#!/usr/bin/env bash
# etcd 3.5.16 (Debian 13): deactivating an alarm of member 0, which is to cover all members, deactivates none.
#
# A member whose database reaches its quota raises NOSPACE, and no member takes a put until the alarm is deactivated,
# however much room compaction and defragmentation have made. rpc.proto says of memberID that 0 covers all members.
# That holds for GET. DEACTIVATE with 0, or without a memberID, is answered with 200 and an empty list, and the alarm
# stays: list the alarms, and deactivate each with the memberID that it has. (etcdctl alarm disarm does that.)
#
# A guess from memory: memberID 0 deactivates the alarm of all members.
set -euo pipefail
folder=$(mktemp -d)
etcd=
trap '[ -z "$etcd" ] || kill "$etcd"; rm -rf "$folder"' EXIT
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
apt --download-only install etcd-server=3.5.16-4
for deb in debs/*.deb; do dpkg -x "$deb" root; done
# One member; the numbers are parts of its sockets' names, not ports.
root/usr/lib64/ld-linux-x86-64.so.2 --library-path root/usr/lib/x86_64-linux-gnu root/usr/bin/etcd --data-dir data \
  --listen-client-urls unix://client:1 --advertise-client-urls http://localhost:1 --listen-peer-urls unix://peer:1 \
  --initial-advertise-peer-urls http://localhost:2 --initial-cluster default=http://localhost:2 --quota-backend-bytes 4000000 >etcd.log 2>&1 &
etcd=$!
# call METHOD JSON: a call through the JSON gateway, whose bytes are base64; the response without its header.
call() { curl -s --unix-socket client:1 -d "$2" "http://d/v3/$1" | sed -E 's/"header":\{[^}]*\}(, ?)?//'; }
until call maintenance/status '{}' | grep -q '"leader"'; do sleep 0.2; done
big=$(head -c 300000 /dev/zero | base64 -w 0)
put() { call kv/put '{"key":"Zm9v","value":"YmFy"}' | grep -oE '"message":"[^"]*"' || echo stored; }
alarms() { call maintenance/alarm "$1" | grep -oE '"alarm":"[A-Z]*"' || echo none; }
until printf '{"key":"Zm9v","value":"%s"}' "$big" | curl -s --unix-socket client:1 -d @- http://d/v3/kv/put | grep -q exceeded; do :; done
seen=$(
  echo "full: $(alarms '{"action":"GET","memberID":"0"}'), put: $(put)"
  revision=$(curl -s --unix-socket client:1 -d '{"key":"Zm9v"}' http://d/v3/kv/range | sed -nE 's/.*"revision":"([0-9]*)".*/\1/p')
  call kv/compaction "{\"revision\":\"$revision\",\"physical\":true}" >compact.log
  call maintenance/defragment '{}' >defragment.log
  [ "$(call maintenance/status '{}' | sed -nE 's/.*"dbSize":"([0-9]*)".*/\1/p')" -lt 1000000 ] && echo 'room again'
  echo "deactivated for member 0: $(alarms '{"action":"DEACTIVATE","memberID":"0","alarm":"NOSPACE"}'), put: $(put)"
  member=$(call maintenance/alarm '{"action":"GET"}' | sed -nE 's/.*"memberID":"([0-9]*)".*/\1/p')
  echo "for the member: $(alarms "{\"action\":\"DEACTIVATE\",\"memberID\":\"$member\",\"alarm\":\"NOSPACE\"}"), put: $(put)"
)
echo "$seen"
expected='full: "alarm":"NOSPACE", put: "message":"etcdserver: mvcc: database space exceeded"
room again
deactivated for member 0: none, put: "message":"etcdserver: mvcc: database space exceeded"
for the member: "alarm":"NOSPACE", put: stored'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
