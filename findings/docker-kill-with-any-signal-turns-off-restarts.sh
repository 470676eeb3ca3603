#!/usr/bin/env bash
# Docker 26.1.5 (Debian 13): a signal sent through the API, such as HUP, turns off a container's restart policy.
#
# A container for which neither its image nor its creation sets a StopSignal is marked as stopped by hand by every
# signal of POST /containers/ID/kill, whatever its program does with it. A program that reloads its configuration on
# HUP runs on, and when it crashes later, the policy "always" does not restart it. With a StopSignal, only that one
# and KILL count. (Podman 5.4.2 restarts it in neither case.) Set StopSignal when you create a container.
#
# A guess from memory: only a kill that ends the program keeps it from being restarted.
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
# Sends a signal to a program that handles HUP and crashes later; says whether it runs again two seconds after the crash.
program='trap "echo reloaded" HUP; for i in 1 2 3 4 5 6 7 8; do sleep 0.5; done; exit 7'
outcome() {
  status POST '/containers/create?name=guest' "{\"Image\":\"localhost/sh:1\",\"Cmd\":[\"sh\",\"-c\",\"${program//\"/\\\"}\"],$2
    \"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"}}}" >create.log
  status POST /containers/guest/start >start.log
  sleep 1
  [ -z "$1" ] || status POST "/containers/guest/kill?signal=$1" >kill.log
  status POST '/containers/guest/wait?condition=next-exit' >wait.log
  sleep 2
  api GET /containers/guest/json | grep -oE '"(Status|RestartCount|ExitCode)":"?[a-z0-9]+' | tr -d '"' | paste -s -d ' '
  status DELETE '/containers/guest?force=true' >delete.log
}
seen=$(
  echo "no signal: $(outcome '' '')"
  echo "HUP: $(outcome HUP '')"
  echo "HUP, with a StopSignal: $(outcome HUP '"StopSignal":"SIGTERM",')"
)
echo "$seen"
expected='no signal: Status:running ExitCode:0 RestartCount:1
HUP: Status:exited ExitCode:7 RestartCount:0
HUP, with a StopSignal: Status:running ExitCode:0 RestartCount:1'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
