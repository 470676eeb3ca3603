#!/usr/bin/env bash
# Podman 5.4.2 (Debian 13; 5.8.6 alike): its Docker API accepts NanoCpus in an update, and does nothing with it.
#
# POST /containers/create turns NanoCpus into a CPU quota. POST /containers/ID/update answers 200 without a warning, and
# the quota stays as it was; memory in the same request is changed. CpuQuota with CpuPeriod, in the same place, works.
# Docker 26.1.5 is the other way round: it applies NanoCpus, and rejects CpuQuota (409) for a container with NanoCpus.
#
# A guess from memory: update takes NanoCpus as create does, or rejects it.
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
limits() {
  api GET /containers/guest/json | grep -oE '"(Memory|NanoCpus|CpuQuota)":[0-9]+' | tr -d '"' | sort | paste -s -d ' '
}
seen=$(
  status POST '/containers/create?name=guest' \
    '{"Image":"localhost/sh:1","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"none","NanoCpus":500000000}}'
  echo "start: $(status POST /containers/guest/start), $(limits)"
  echo "NanoCpus: $(status POST /containers/guest/update '{"NanoCpus":250000000,"Memory":64000000}'), $(limits)"
  echo "CpuQuota: $(status POST /containers/guest/update '{"CpuQuota":25000,"CpuPeriod":100000}'), $(limits)"
)
echo "$seen"
expected='201
start: 204, CpuQuota:50000 Memory:0 NanoCpus:500000000
NanoCpus: 200, CpuQuota:50000 Memory:64000000 NanoCpus:500000000
CpuQuota: 200, CpuQuota:25000 Memory:64000000 NanoCpus:250000000'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
