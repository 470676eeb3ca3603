#!/usr/bin/env bash
# Podman 5.4.2 (Debian 13; 4.3.1 alike): its Docker API splits the words of a health check again, at their blanks.
#
# POST /containers/create with a health check of the kind CMD stores more words than it got: "sleep 0; exit 3", the argument
# of sh -c, becomes four, so that the check runs "sleep" without an operand and never the rest. The command of the container
# in the same request stays as it is. A check of the kind CMD-SHELL keeps its one line.
#
# A guess from memory: a health check of the kind CMD is run with the words as they are, like a command and an entry point.
set -euo pipefail
folder=$(mktemp -d)
service=
end() {
  [ -z "$service" ] || kill "$service"
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
words() { api GET "/containers/$1/json" | grep -oE '"(Cmd|Test)":\[[^]]*\]' | sort; }
create() {
  status POST "/containers/create?name=$1" \
    "{\"Image\":\"localhost/sh:1\",\"Cmd\":[\"sh\",\"-c\",\"sleep 0; exit 3\"],\"Healthcheck\":{\"Test\":$2}}"
  words "$1"
}
seen=$(
  create words '["CMD","sh","-c","sleep 0; exit 3"]'
  create line '["CMD-SHELL","sleep 0; exit 3"]'
)
echo "$seen"
expected='201
"Cmd":["sh","-c","sleep 0; exit 3"]
"Test":["CMD","sh","-c","sleep","0;","exit","3"]
201
"Cmd":["sh","-c","sleep 0; exit 3"]
"Test":["CMD-SHELL","sleep 0; exit 3"]'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
