#!/usr/bin/env bash
# Podman 5.4.2 (Debian 13): an update of a container that failed is kept, and the next start fails.
#
# POST /containers/ID/update stores the new limits before the runtime applies them. When the kernel refuses them, the
# response is 500 and the running container keeps its old limits, but inspect shows the refused ones, and they are
# applied at the next start: 500 again, until another update replaces them. A caller has to put the old values back
# after a 500.
#
# A guess from memory: an update that fails changes nothing.
set -euo pipefail
folder=$(mktemp -d)
service=
end() {
  [ -z "$service" ] || { status DELETE '/containers/guest?force=true' >/dev/null; kill "$service"; }
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
apt --download-only install podman=5.4.2+ds1-2+b2 runc=1.1.15+ds1-2+b4 netavark busybox-static
for deb in debs/*.deb; do dpkg -x "$deb" root; done
mkdir -p root/{dev,proc,run,sys,tmp,var/tmp,etc/containers} image/bin
for link in bin lib lib64 sbin; do ln -sfn "usr/$link" "root/$link"; done
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >root/etc/containers/policy.json
cat >root/etc/containers/containers.conf <<'TOML'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
TOML
printf '[storage]\ndriver = "vfs"\nrunroot = "/run/storage"\ngraphroot = "/storage"\n' >root/etc/containers/storage.conf
cp root/usr/bin/busybox image/bin/sh
ln image/bin/sh image/bin/sleep
tar -C image -cf root/image.tar .
# Podman in a chroot of its own, whose mounts end with it.
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
unshare --mount --propagation private bash -c 'mount --bind root root; mount --rbind /dev root/dev; mount --rbind /sys root/sys
  mount -t proc proc root/proc; exec chroot root podman system service --time=0 unix:///socket' >podman.log 2>&1 &
service=$!
until [ -S root/socket ]; do sleep 0.1; done
# api METHOD PATH [JSON]: the response's status and body.
api() {
  curl -s --unix-socket root/socket -X "$1" -H 'Content-Type: application/json' -d "${3-}" -w '\n%{http_code}\n' "http://d/v1.41$2"
}
status() { api "$@" | tail -n 1; }
curl -s --unix-socket root/socket -T root/image.tar -X POST 'http://d/v1.41/images/create?fromSrc=-&repo=localhost/sh&tag=1' >import.log
inspect() { api GET /containers/guest/json | grep -oE "\"$1\":\"?[a-z0-9]*" | tr -d '"'; }
seen=$(
  status POST '/containers/create?name=guest' \
    '{"Image":"localhost/sh:1","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"none"}}'
  echo "start: $(status POST /containers/guest/start)"
  # No machine that runs this has a CPU with that number.
  echo "update: $(status POST /containers/guest/update '{"CpusetCpus":"4095"}'), inspect says $(inspect CpusetCpus)"
  echo "stop: $(status POST '/containers/guest/stop?t=0')"
  echo "start: $(status POST /containers/guest/start)"
  echo "update: $(status POST /containers/guest/update '{"CpusetCpus":"0"}')"
  echo "start: $(status POST /containers/guest/start), $(inspect Status)"
)
echo "$seen"
expected='201
start: 204
update: 500, inspect says CpusetCpus:4095
stop: 204
start: 500
update: 200
start: 204, Status:running'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
