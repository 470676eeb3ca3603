#!/usr/bin/env bash
# Docker 26.1.5 (Debian 13): the MAC address with which a container is connected to a network is dropped without a word.
#
# POST /networks/ID/connect takes an EndpointConfig with a MacAddress and responds 200, but the endpoint gets a random one,
# before the container's start as well as while it runs. Only POST /containers/create keeps it: since API 1.44 it takes
# several networks in its EndpointsConfig, each with a MAC address of its own.
#
# A guess from memory: as the IPAMConfig beside it, the MacAddress belongs to the endpoint, so both ways do the same.
set -euo pipefail
folder=$(mktemp -d)
service=
end() {
  [ -z "$service" ] || { status DELETE '/containers/guest?force=true' >/dev/null; kill "$service"; wait "$service" || true; }
  rm -rf "$folder"
}
trap end EXIT
cd "$folder"
# The packages and all that they depend on, unpacked into the temporary folder; nothing is installed. Needs root and
# Debian's apt.
mkdir -p debs/partial lists/partial root
touch status
echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p) trixie main" >sources.list
apt() {
  apt-get -qq -y --no-install-recommends -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" \
    -o Dir::Cache::archives="$folder/debs" "$@" >apt.log 2>&1
}
apt update
apt --download-only install docker.io=26.1.5+dfsg1-9+deb13u1+b1 busybox-static
for deb in debs/*.deb; do dpkg -x "$deb" root; done
mkdir -p root/{dev,proc,run,sys,tmp} image/bin
for link in bin lib lib64 sbin; do [ -e "root/$link" ] || ln -s "usr/$link" "root/$link"; done
cp root/usr/bin/busybox image/bin/sh
ln image/bin/sh image/bin/sleep
tar -C image -cf image.tar .
# dockerd in a chroot of its own, whose mounts end with it, without networks.
unshare --mount --net --propagation private bash -c 'mount --bind root root; mount --rbind /dev root/dev
  mount --rbind /sys root/sys; mount -t proc proc root/proc
  exec chroot root dockerd --host unix:///socket --data-root /data --exec-root /run/docker --pidfile /run/docker.pid \
    --storage-driver vfs --bridge none --iptables=false --ip6tables=false' >docker.log 2>&1 &
service=$!
# api METHOD PATH [JSON]: the response's status and body.
api() {
  curl -s --unix-socket root/socket -X "$1" -H 'Content-Type: application/json' -d "${3-}" -w '\n%{http_code}\n' "http://d/v1.45$2"
}
status() { api "$@" | tail -n 1; }
until [ "$(status GET /_ping)" = 200 ]; do sleep 0.2; done
curl -s --unix-socket root/socket -T image.tar -X POST 'http://d/v1.45/images/create?fromSrc=-&repo=localhost/sh&tag=1' >import.log
# mac: the MAC address of the container on the network two.
mac() {
  api GET /containers/guest/json | grep -oE '"two":\{[^}]*\{?[^}]*"MacAddress":"[^"]*' | sed 's/.*"//' | sed 's/^52:54:00:00:00:77$/the given one/; t; s/..*/another/'
}
for name in one two; do status POST /networks/create "{\"Name\":\"$name\"}" >network.log; done
endpoint='{"MacAddress":"52:54:00:00:00:77"}'
# create MORE: makes the container on the network one.
create() {
  status POST '/containers/create?name=guest' "{\"Image\":\"localhost/sh:1\",\"Cmd\":[\"sleep\",\"600\"],
    \"HostConfig\":{\"NetworkMode\":\"one\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"one\":{}$1}}}" >create.log
}
connect() { status POST /networks/two/connect "{\"Container\":\"guest\",\"EndpointConfig\":$endpoint}"; }
start() { status POST /containers/guest/start >start.log; }
remove() { status DELETE '/containers/guest?force=true' >delete.log; }
seen=$(
  create ''
  echo "connected before the start: $(connect), $(start; mac)"
  remove
  create ''
  start
  echo "connected while it runs: $(connect), $(mac)"
  remove
  create ",\"two\":$endpoint"
  echo "given at the creation: $(start; mac)"
  status POST '/containers/guest/restart?t=0' >restart.log
  echo "after a restart: $(mac)"
  remove
)
echo "$seen"
expected='connected before the start: 200, another
connected while it runs: 200, another
given at the creation: the given one
after a restart: the given one'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
