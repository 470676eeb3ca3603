#!/usr/bin/env bash
# QEMU guest agent 7.2.22 (Debian 12): with capture-output, "exited" waits for everybody that has the program's output.
#
# guest-exec-status says "exited": true once the program has ended and its pipes are closed. A child that it left behind
# (a service that a script starts in the background) inherits the pipes, so the status stays {"exited": false} as long as
# that child lives, and neither the exit code nor the output can be had. Without capture-output it ends with the program.
# (10.0.13 does the same.) Redirect a service's output, or put a deadline on the wait.
#
# A guess from memory: "exited" is about the process whose PID guest-exec returned, as the schema says.
set -euo pipefail
folder=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent"; rm -rf "$folder"' EXIT
cd "$folder"
# The packages and all that they depend on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install qemu-guest-agent=1:7.2+dfsg-7+deb12u18+b3 socat=1.7.4.4-2 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

run() {
  exec root/lib64/ld-linux-x86-64.so.2 --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" "root/usr/$1" "${@:2}"
}
(run sbin/qemu-ga --method unix-listen --path "$folder/socket" --statedir "$folder") &
agent=$!
until [ -S socket ]; do sleep 0.1; done
ask() { (run bin/socat -t 5 - "UNIX-CONNECT:$folder/socket") <<<"$1" | head -n 1; }
# Starts a shell that leaves a child behind (it ends when the folder is removed), and asks for its status once the shell is gone.
status() {
  local pid child='while [ -e running ]; do sleep 0.2; done'
  pid=$(ask '{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["-c","cd '"$folder; ($child) & echo done"'"],"capture-output":'"$1"'}}')
  pid=${pid//[^0-9]/}
  while [ -d "/proc/$pid" ]; do sleep 0.1; done
  ask '{"execute":"guest-exec-status","arguments":{"pid":'"$pid"'}}'
}
touch running
seen=$(
  echo 'without output:'
  status false
  echo 'with output:'
  status true
)
echo "$seen"
expected='without output:
{"return": {"exitcode": 0, "exited": true}}
with output:
{"return": {"exited": false}}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
