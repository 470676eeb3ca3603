#!/usr/bin/env bash
# Podman 5.4.2 (Debian 13; 4.3.1 alike): the option "size" of a volume is stored, and limits nothing.
#
# "size" is the option by which Docker limits a volume of its driver "local"; where it cannot enforce it, it rejects the
# create. Podman takes the option with any value, shows it in inspect, and lets the volume grow beyond it. Its own limit is
# an option for mount, "o=size=1M", which it rejects where the file system has no project quota: that is what a caller
# who needs a limit has to use.
#
# A guess from memory: the option means what it means to Docker, or is rejected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The packages and all that they depend on, unpacked into the temporary folder; nothing is installed. Needs root, Debian's
# apt, and a temporary folder on a file system without project quota.
mkdir -p debs/partial lists/partial root
touch status
echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p) trixie main" >sources.list
apt() {
  apt-get -qq -y --no-install-recommends -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" \
    -o Dir::Cache::archives="$folder/debs" "$@" >apt.log 2>&1
}
apt update
apt --download-only install podman=5.4.2+ds1-2+b2 runc=1.1.15+ds1-2+b4 netavark
for deb in debs/*.deb; do dpkg -x "$deb" root; done
mkdir -p root/{dev,proc,run,sys,tmp,var/tmp,etc/containers}
for link in bin lib lib64 sbin; do ln -sfn "usr/$link" "root/$link"; done
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >root/etc/containers/policy.json
cat >root/etc/containers/containers.conf <<'TOML'
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
TOML

podman() {
  unshare --mount --propagation private bash -c 'mount --bind root root; mount --rbind /dev root/dev
    mount --rbind /sys root/sys; mount -t proc proc root/proc
    exec chroot root podman --storage-driver vfs --root /storage --runroot /run/storage "$@"' podman "$@"
}

seen=$(
  podman volume create --opt size=1M small >/dev/null && echo "size=1M: made"
  podman volume inspect --format '{{json .Options}}' small
  directory=root$(podman volume inspect --format '{{.Mountpoint}}' small)
  dd if=/dev/zero of="$directory/file" bs=1M count=5 status=none && stat --format '%s bytes in it' "$directory/file"
  podman volume create --opt o=size=1M other 2>&1 | grep -o 'not supported.*' || true
)
echo "$seen"
expected='size=1M: made
{"size":"1M"}
5242880 bytes in it
not supported. Filesystem does not support Project Quota'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
