#!/usr/bin/env bash
# cloud-init 25.1.4 (Debian 13): a NIC that is absent costs the guest its whole network, even with "optional: true".
#
# Before it renders anything, cloud-init waits for every NIC of the network config that has both a MAC address to match and
# a set-name, and raises when one does not come: nothing is written for the NICs that are there. "optional" is not looked
# at; it only goes to the renderer. Without set-name the NIC is not waited for. (26.2 does the same.)
#
# A guess from memory: an absent NIC is left out with a warning; at the least "optional" makes it so.
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
"${apt[@]}" --download-only install cloud-init=25.1.4-1+deb13u1 >>apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

cat >wait.py <<'PY'
from cloudinit.distros.networking import LinuxNetworking

nic = {"match": {"macaddress": "52:54:00:00:00:01"}, "dhcp4": True, "optional": True}
for extra in ({"set-name": "eth0"}, {}):
    try:
        # The call that cloud-init makes in init-local, before it renders. It asks the kernel for the NICs that exist.
        LinuxNetworking().wait_for_physdevs({"version": 2, "ethernets": {"eth0": {**nic, **extra}}})
        print(extra, "goes on")
    except RuntimeError as error:
        print(extra, error)
PY
seen=$(
  PYTHONHOME=root/usr PYTHONPATH=root/usr/lib/python3/dist-packages "$libraries/ld-linux-x86-64.so.2" \
    --library-path "$libraries" root/usr/bin/python3.13 wait.py 2>error.log
)
echo "$seen"
expected="{'set-name': 'eth0'} Not all expected physical devices present: {'52:54:00:00:00:01'}
{} goes on"
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
