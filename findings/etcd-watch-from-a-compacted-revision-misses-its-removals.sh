#!/usr/bin/env bash
# etcd 3.4.23 (Debian 12): a watch may start at the revision of a compaction, and misses what was removed at that revision.
#
# A change removes one key and puts another, and the store is then compacted at its revision. A watch from the revision before
# is refused with compact_revision, as it should be. One from the revision itself is accepted, and gets the put but no removal,
# so a copy of the keys that resumes there keeps a key that is gone. 3.5.16 of Debian 13 reports both. A watch that resumes at
# the last revision that it has seen, and drops what it knows, is refused in time.
#
# A guess from memory: what a watch is not refused, it gets whole.
set -euo pipefail
folder=$(mktemp -d)
etcd=
trap '[ -z "$etcd" ] || kill "$etcd"; rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs Debian's apt.
mkdir -p debs/partial lists/partial root
touch status
echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p) bookworm main" >sources.list
apt() {
  apt-get -qq -y --no-install-recommends -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" \
    -o Dir::Cache::archives="$folder/debs" "$@" >apt.log 2>&1
}
apt update
apt --download-only install etcd-server=3.4.23-4+b4
for deb in debs/*.deb; do dpkg -x "$deb" root; done
# One member; the numbers are parts of its sockets' names, not ports.
root/lib64/ld-linux-x86-64.so.2 --library-path root/lib/x86_64-linux-gnu:root/usr/lib/x86_64-linux-gnu root/usr/bin/etcd --data-dir data \
  --listen-client-urls unix://client:1 --advertise-client-urls http://localhost:1 --listen-peer-urls unix://peer:1 \
  --initial-advertise-peer-urls http://localhost:2 --initial-cluster default=http://localhost:2 >etcd.log 2>&1 &
etcd=$!
# call METHOD JSON: a call through the JSON gateway, whose bytes are base64; the response without its header.
call() { curl -s --unix-socket client:1 -d "$2" "http://d/v3/$1" | sed -E 's/"header":\{[^}]*\}(, ?)?//'; }
until call maintenance/status '{}' | grep -q '"leader"'; do sleep 0.2; done
key() { printf '"key":"%s"' "$(printf '%s' "$1" | base64)"; }
# Revision 2 is the put of a; revision 3 removes it and puts b.
call kv/put "{$(key a),\"value\":\"MQ==\"}" >put.log
call kv/txn "{\"success\":[{\"request_delete_range\":{$(key a)}},{\"request_put\":{$(key b),\"value\":\"MQ==\"}}]}" >txn.log
call kv/compaction '{"revision":"3","physical":true}' >compaction.log
# watch REVISION: what a watch of all keys reports within two seconds.
watch() {
  curl -s --max-time 2 --unix-socket client:1 -d "{\"create_request\":{\"key\":\"AA==\",\"range_end\":\"AA==\",\"start_revision\":\"$1\"}}" \
    http://d/v3/watch >watch.log || true
  grep -oE '"compact_revision":"[0-9]+"|"type":"DELETE"|"key":"[^"]*"' watch.log | paste -s -d ' '
}
seen=$(
  echo "from 2: $(watch 2)"
  echo "from 3: $(watch 3)"
)
echo "$seen"
# Yg== is b.
expected='from 2: "compact_revision":"3"
from 3: "key":"Yg=="'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
