#!/usr/bin/env bash
# cloud-init 25.1.4 (Debian 13): its networkd renderer leaves out settings that networkd has, without a warning.
#
# on-link of a route (GatewayOnLink=), dhcp-identifier (ClientIdentifier=), link-local (LinkLocalAddressing=) and a new
# macaddress are parts of the version 2 format. Rendered for systemd-networkd they vanish, and net-convert prints no
# warning. Without on-link, Linux refuses a gateway outside the guest's own network, so a guest with a /32 address has no
# default route. eni, sysconfig and NetworkManager lose the four as well; only netplan gets them. (26.2 does the same.)
#
# A guess from memory: the format's keys are translated where the target has them, and there is a warning where not.
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

# Renders network.yaml into a folder named after the renderer, for the NIC 52:54:00:00:00:01; prints the last line of an error.
render() {
  rm -rf "$1"
  PYTHONHOME=root/usr PYTHONPATH=root/usr/lib/python3/dist-packages "$libraries/ld-linux-x86-64.so.2" \
    --library-path "$libraries" root/usr/bin/python3.13 -m cloudinit.cmd.main devel net-convert --network-data network.yaml \
    --kind yaml --directory "$1" --distro "${2:-debian}" --output-kind "$1" --mac eth0,52:54:00:00:00:01 >"$1.log" 2>&1 ||
    tail -n 1 "$1.log"
}

cat >network.yaml <<'YAML'
version: 2
ethernets:
  eth0:
    match: {macaddress: "52:54:00:00:00:01"}
    set-name: eth0
    addresses: [192.0.2.10/32]
    routes: [{to: 0.0.0.0/0, via: 198.51.100.1, on-link: true}]
    dhcp6: true
    dhcp-identifier: mac
    link-local: []
    macaddress: "52:54:00:00:00:0a"
YAML
seen=$(
  for renderer in netplan networkd; do
    echo "$renderer:$(render "$renderer")"
    grep -rhE 'on-link|identifier|link-local|:0a|=' "$renderer"
  done
)
echo "$seen"
expected='netplan:
            dhcp-identifier: mac
            link-local: []
            macaddress: 52:54:00:00:00:0a
            -   on-link: true
networkd:
Address=192.0.2.10/32
MACAddress=52:54:00:00:00:01
Name=eth0
DHCP=ipv6
Destination=0.0.0.0/0
Gateway=198.51.100.1'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
