#!/usr/bin/env bash
# Podman 5.4.2 (Debian 13; 4.3.1 alike): a program that its API has run in a container leaves two processes for five minutes.
#
# The program has ended, and its exec session says so, with the exit code. Its conmon and a child of that wait on: Podman
# starts them with --exit-delay 300, which is exit_command_delay under [engine] in containers.conf. Of a program that is run
# every three seconds there are 200 processes after five minutes.
#
# A guess from memory: the monitor of a program ends with it.
set -euo pipefail
folder=$(mktemp -d)
service=
end() {
  [ -z "$service" ] || { monitors | xargs --no-run-if-empty kill; status DELETE '/containers/guest?force=true' >/dev/null; kill "$service"; }
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
monitors() { pgrep --full "conmon .*/storage/vfs-containers/$guest/.*--exec-process-spec" || true; }
guest=$(api POST '/containers/create?name=guest' '{"Image":"localhost/sh:1","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"none"}}' |
  grep -oE '[0-9a-f]{64}')
seen=$(
  echo "start: $(status POST /containers/guest/start)"
  for try in 1 2 3; do
    id=$(api POST /containers/guest/exec '{"Cmd":["sh","-c","exit 3"],"AttachStdout":true}' | grep -oE '[0-9a-f]{64}')
    curl -s --max-time 20 --unix-socket root/socket -X POST -H 'Content-Type: application/json' -d '{}' "http://d/v1.41/exec/$id/start" >exec.log
    api GET "/exec/$id/json" | grep -oE '"(Running|ExitCode)":[a-z0-9]+' | sort | paste -s -d ' '
  done
  sleep 5
  echo "monitors after five seconds: $(monitors | wc -l)"
)
echo "$seen"
expected='start: 204
"ExitCode":3 "Running":false
"ExitCode":3 "Running":false
"ExitCode":3 "Running":false
monitors after five seconds: 6'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
