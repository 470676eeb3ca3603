#!/usr/bin/env bash
# cloud-init 25.1.4 (Debian 13): name servers of a NIC with DHCP reach /etc/network/interfaces as Python's text of a dict.
#
# The renderer for ifupdown writes "dns-nameservers" only into stanzas with a fixed address. For dhcp4 it leaves the line
# out and writes the config's own "nameservers" as an option "dns {'nameservers': [...", which nothing reads. (22.4.2 writes
# that line too, and the servers under "lo"; 26.2 writes neither.) With netplan and networkd the servers are used.
#
# A guess from memory: dns-nameservers, in every stanza of a NIC that has name servers.
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
    dhcp4: true
    nameservers: {addresses: [192.0.2.53]}
YAML
seen=$(
  for renderer in networkd eni; do
    echo "$renderer:$(render "$renderer")"
    grep -rhE 'DNS=|iface|dns' "$renderer"
  done
)
echo "$seen"
expected='networkd:
DNS=192.0.2.53
eni:
iface lo inet loopback
iface eth0 inet dhcp
    dns {'"'nameservers': ['192.0.2.53'], 'search': []"'}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
