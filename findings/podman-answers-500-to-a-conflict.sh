#!/usr/bin/env bash
# Podman 5.4.2 (Debian 13; 4.3.1 and 5.8.6 alike): its Docker API answers 500 to most of what Docker answers with 409.
#
# Creating a container under a name that is taken, deleting a running one, pausing a paused one and an exec in a
# stopped one are conflicts that a retry does not mend, and Docker's API says 409. Podman says 500, the status of an
# engine that is broken. Only "cause" in the body tells ("container state improper", "that name is already in use").
# Kill of a stopped container is 409 here, and 500 in 4.3.1.
#
# A guess from memory: 409 for each, as documented for Docker's API.
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
attempt() {
  echo "$1: $(api "$2" "$3" "${4-}" | sed -nE 's/.*"cause":"([^"]*)".*"response":([0-9]*).*/\2 \1/p')"
}
container='{"Image":"localhost/sh:1","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"none"}}'
seen=$(
  status POST '/containers/create?name=guest' "$container"
  attempt 'create under the same name' POST '/containers/create?name=guest' "$container"
  attempt 'exec, not running' POST /containers/guest/exec '{"Cmd":["sh"]}'
  attempt 'kill, not running' POST /containers/guest/kill
  status POST /containers/guest/start
  attempt 'delete, running' DELETE /containers/guest
  status POST /containers/guest/pause
  attempt 'pause, paused' POST /containers/guest/pause
)
echo "$seen"
expected='201
create under the same name: 500 that name is already in use
exec, not running: 500 container state improper
kill, not running: 409 container state improper
204
delete, running: 500 container state improper
204
pause, paused: 500 container state improper'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
