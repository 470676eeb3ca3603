#!/usr/bin/env bash
# etcd 3.5.16 (Debian 13; 3.4.23 and 3.5.30 alike): a range's count ignores its filters by revision.
#
# min_mod_revision and its three siblings leave keys out of "kvs", while "count" stays the number of all keys in the
# range. With count_only, the filters do nothing at all. "How many hosts have changed since revision N" takes a list
# of their keys (keys_only), counted by the caller.
#
# A guess from memory: count is the number of keys that the filters let through.
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
  --initial-advertise-peer-urls http://localhost:2 --initial-cluster default=http://localhost:2 >etcd.log 2>&1 &
etcd=$!
# call METHOD JSON: a call through the JSON gateway, whose bytes are base64; the response without its header.
call() { curl -s --unix-socket client:1 -d "$2" "http://d/v3/$1" | sed -E 's/"header":\{[^}]*\}(, ?)?//'; }
until call maintenance/status '{}' | grep -q '"leader"'; do sleep 0.2; done
for n in 1 2 3 4 5; do call kv/put "{\"key\":\"$(printf 'host/%s' $n | base64)\",\"value\":\"dXA=\"}" >put.log; done
# Revision 1 is the empty store; the five puts are 2 to 6.
range="\"key\":\"$(printf host/ | base64)\",\"range_end\":\"$(printf host0 | base64)\",\"min_mod_revision\":\"5\""
seen=$(
  echo "keys: $(call kv/range "{$range,\"keys_only\":true}" | grep -o '"key"' | wc -l)"
  echo "count: $(call kv/range "{$range,\"keys_only\":true}" | grep -oE '"count":"[0-9]*"')"
  echo "count_only: $(call kv/range "{$range,\"count_only\":true}" | grep -oE '"count":"[0-9]*"')"
)
echo "$seen"
expected='keys: 2
count: "count":"5"
count_only: "count":"5"'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
