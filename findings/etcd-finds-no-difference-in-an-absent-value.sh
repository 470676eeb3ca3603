#!/usr/bin/env bash
# etcd 3.5.16 (Debian 13; 3.4.23 and 3.5.30 alike): a comparison with the value of an absent key is false, whichever it is.
#
# A transaction that proceeds if the key's value is not "draining" does not proceed for a key that does not exist,
# though it has no such value; EQUAL with an empty value is false as well. Versions, revisions and leases are compared
# as 0 instead: VERSION EQUAL 0 is true, and so is MOD LESS 1. A condition on the value of an optional key takes a
# nested transaction, or a second try with VERSION EQUAL 0.
#
# A guess from memory: an absent key's value differs from every value, or is the empty one.
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
# Whether a transaction succeeds under a condition on a key.
holds() {
  call kv/txn "{\"compare\":[{\"key\":\"$(printf %s "$1" | base64)\",$2}]}" | grep -q '"succeeded":true' && echo yes || echo no
}
call kv/put "{\"key\":\"$(printf host1 | base64)\",\"value\":\"$(printf up | base64)\"}" >put.log
draining=$(printf draining | base64)
seen=$(
  for key in host1 host2; do
    echo "$key: NOT_EQUAL draining $(holds $key "\"target\":\"VALUE\",\"result\":\"NOT_EQUAL\",\"value\":\"$draining\"")," \
      "EQUAL empty $(holds $key '"target":"VALUE","result":"EQUAL","value":""')," \
      "VERSION EQUAL 0 $(holds $key '"target":"VERSION","result":"EQUAL","version":0')," \
      "MOD LESS 1 $(holds $key '"target":"MOD","result":"LESS","mod_revision":1')," \
      "LEASE EQUAL 0 $(holds $key '"target":"LEASE","result":"EQUAL","lease":0')"
  done
)
echo "$seen"
# host1 is "up", and host2 does not exist.
expected='host1: NOT_EQUAL draining yes, EQUAL empty no, VERSION EQUAL 0 no, MOD LESS 1 no, LEASE EQUAL 0 yes
host2: NOT_EQUAL draining no, EQUAL empty no, VERSION EQUAL 0 yes, MOD LESS 1 yes, LEASE EQUAL 0 yes'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
