#!/usr/bin/env bash
# Podman 5.4.2 (Debian 13; 4.3.1 alike, 5.8.6 has nanoseconds): the timestamps of its Docker API's logs are whole seconds.
#
# Docker writes nanoseconds before each line of GET /containers/ID/logs?timestamps=1, so a client that was cut off
# goes on after the last line that it has. Podman keeps nanoseconds in its log file and cuts them in the response:
# many lines have the same timestamp, and "since" that timestamp gives all lines of its second again. since does take
# fractions.
#
# A guess from memory: RFC 3339 with nanoseconds, one timestamp a line.
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
logs() { curl -s --unix-socket root/socket "http://d/v1.41/containers/guest/logs?stdout=1&$1" | tr -d '\000-\010'; }
command='["sh","-c","sleep 0.2; echo one; sleep 0.1; echo two; sleep 0.1; echo three"]'
seen=$(
  status POST '/containers/create?name=guest' "{\"Image\":\"localhost/sh:1\",\"Cmd\":$command,\"HostConfig\":{\"NetworkMode\":\"none\"}}"
  # Early in a second, so that all three lines are in it.
  sleep "$(date +%N | awk '{ printf "%.3f", 1.01 - $1 / 1e9 }')"
  status POST /containers/guest/start
  status POST /containers/guest/wait
  in_file=$(grep -hoE '^[^ ]+ stdout F two' "$(find root/storage -name ctr.log)")
  echo "in the file: $(sed -E 's/[0-9]/0/g' <<<"$in_file")"
  echo "in the response: $(logs timestamps=1 | grep -a two | sed -E 's/^[^0-9]*//; s/[0-9]/0/g')"
  last=$(logs timestamps=1 | sed -nE 's/.*(....-..-..T..:..:..Z) two/\1/p')
  echo "since the timestamp of two: $(logs "since=$(date -d "$last" +%s)" | grep -aoE '[a-z]+' | paste -s -d ' ')"
)
echo "$seen"
expected='201
204
200
in the file: 0000-00-00T00:00:00.000000000+00:00 stdout F two
in the response: 0000-00-00T00:00:00Z two
since the timestamp of two: one two three'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
