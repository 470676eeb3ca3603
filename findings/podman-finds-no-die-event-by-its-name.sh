#!/usr/bin/env bash
# Podman 4.3.1 (Debian 12; 5.4.2 does as Docker does): the events filter "die" of its Docker API finds no event "die".
#
# Podman's own name of the event is "died". The response of GET /events shows Docker's name, and the filter compares
# with Podman's: a client that watches for {"event":["die"]} never hears that a container exited. Asking for both
# names works with every version; so does no filter by event at all.
#
# A guess from memory: the filter takes the names that the response shows.
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
echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p) bookworm main" >sources.list
apt() {
  apt-get -qq -y --no-install-recommends -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" \
    -o Dir::Cache::archives="$folder/debs" "$@" >apt.log 2>&1
}
apt update
apt --download-only install podman=4.3.1+ds1-8+deb12u1+b3 runc=1.1.5+ds1-1+deb12u1 netavark busybox-static
for deb in debs/*.deb; do dpkg -x "$deb" root; done
mkdir -p root/{dev,proc,run,sys,tmp,var/tmp,etc/containers} image/bin
for link in bin lib lib64 sbin; do [ -e "root/$link" ] || ln -s "usr/$link" "root/$link"; done
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
cp root/bin/busybox image/bin/sh
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
curl -s --unix-socket root/socket -T root/image.tar -X POST 'http://d/v1.41/images/create?fromSrc=-&repo=localhost/sh:1' >import.log
began=$(date +%s)
status POST '/containers/create?name=guest' \
  '{"Image":"localhost/sh:1","Cmd":["sh","-c","exit 3"],"HostConfig":{"NetworkMode":"none"}}' >create.log
status POST /containers/guest/start >start.log
status POST /containers/guest/wait >wait.log
# The actions of the events that a filter lets through. The window ends in the future: past windows are read unreliably.
events() {
  curl -s --get --unix-socket root/socket --data-urlencode "filters=$1" \
    "http://d/v1.41/events?since=$began&until=$(($(date +%s) + 4))" | sed -nE 's/.*"Action":"([^"]*)".*/\1/p' | paste -s -d ' '
}
seen=$(
  for filter in '{"container":["guest"]}' '{"event":["start"]}' '{"event":["die"]}' '{"event":["died"]}'; do
    echo "$filter: $(events "$filter")"
  done
)
echo "$seen"
expected='{"container":["guest"]}: create init start die cleanup
{"event":["start"]}: start
{"event":["die"]}: 
{"event":["died"]}: die'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
