#!/usr/bin/env bash
# QEMU 10.0.13 (Debian 13): mapped-ram together with x-ignore-shared is accepted, and fails once it saves.
#
# Each capability works alone. Set together, they are accepted, migrate starts, and then it fails with "Bad address" when it
# writes the bitmap of the memory that it leaves out. The guest itself is unharmed. 11.1.2 saves and loads with both.
#
# A guess from memory: the two complement each other, or setting the second is refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Debian 13's package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs apt, with
# Debian among its sources: the same mirror is used.
mkdir -p debs/partial lists/partial root
touch status
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
apt=(apt-get -qq -y --no-install-recommends -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=-
  -o Dir::State::Lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder"
  -o Dir::Cache::Archives="$folder/debs")
"${apt[@]}" update >apt.log 2>&1
"${apt[@]}" --download-only install qemu-system-x86=1:10.0.13+ds-0+deb13u1 >>apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
run() {
  local program=$1
  shift
  QEMU_MODULE_DIR=$libraries/qemu "$libraries/ld-linux-x86-64.so.2" \
    --library-path "$libraries" "root/usr/bin/$program" "$@"
}
# A machine that does not run, and its QMP monitor: qmp sends a command and prints the answer, without events.
start() {
  coproc QEMU {
    run qemu-system-x86_64 -L root/usr/share/seabios -L root/usr/share/qemu -L root/usr/lib/ipxe/qemu \
      -S -machine q35,accel=tcg -m 64 -nodefaults -display none -qmp stdio "$@" 2>>error.log
  }
  qmp qmp_capabilities >start.log
}
qmp() {
  echo "{\"execute\":\"$1\",\"arguments\":${2:-{\}}}" >&"${QEMU[1]}"
  while read -r answer <&"${QEMU[0]}"; do
    case $answer in *'"event"'* | *'"QMP"'*) ;; *) break ;; esac
  done
  echo "$1: ${answer%$'\r'}"
}
stop() {
  echo '{"execute":"quit"}' >&"${QEMU[1]}"
  wait
}

save() {
  start -machine q35,accel=tcg,memory-backend=mem -object memory-backend-file,id=mem,size=64M,mem-path=ram,share=on
  qmp migrate-set-capabilities "{\"capabilities\":[$1]}"
  qmp migrate "{\"uri\":\"file:$folder/state\"}"
  until qmp query-migrate >migrate.log && grep -qE '"status": "(completed|failed)"' migrate.log; do sleep 0.1; done
  grep -oE '"(status|error-desc)": "[^"]*"' migrate.log
  stop
}
{
  save '{"capability":"x-ignore-shared","state":true}'
  save '{"capability":"mapped-ram","state":true}'
  save '{"capability":"x-ignore-shared","state":true},{"capability":"mapped-ram","state":true}'
} >seen.log
seen=$(cat seen.log)
echo "$seen"
expected='migrate-set-capabilities: {"return": {}}
migrate: {"return": {}}
"status": "completed"
migrate-set-capabilities: {"return": {}}
migrate: {"return": {}}
"status": "completed"
migrate-set-capabilities: {"return": {}}
migrate: {"return": {}}
"status": "failed"
"error-desc": "Unable to write to file: Bad address"'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
