#!/usr/bin/env bash
# cloud-init 25.1.4 (Debian 13): "to: default" of a version 2 network config is a route with netplan and an error elsewhere.
#
# Version 2 is netplan's format, and "default" is the spelling that netplan's documentation recommends since gateway4 is
# deprecated. cloud-init hands such a config to netplan as it is; for its other renderers it parses "default" as an address
# and raises, so none of the guest's NICs is configured. "0.0.0.0/0" works with all of them. (22.4.2 does the same; 26.2
# takes "default".) Whether a guest has netplan is up to its image; the writer of its seed cannot know.
#
# A guess from memory: the renderers know the keywords of the format.
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

seen=$(
  for route in default 0.0.0.0/0; do
    cat >network.yaml <<YAML
version: 2
ethernets:
  eth0:
    match: {macaddress: "52:54:00:00:00:01"}
    set-name: eth0
    addresses: [192.0.2.10/24]
    routes: [{to: $route, via: 192.0.2.1}]
YAML
    for renderer in netplan networkd network-manager; do
      echo "$route, $renderer: $(render "$renderer")"
      if [ -d "$renderer" ]; then grep -rhE 'to: |Destination=|route1=' "$renderer"; fi
    done
  done
)
echo "$seen"
expected='default, netplan: 
            -   to: default
default, networkd: ValueError: Address default is not a valid ip address
default, network-manager: ValueError: Address default is not a valid ip address
0.0.0.0/0, netplan: 
            -   to: 0.0.0.0/0
0.0.0.0/0, networkd: 
Destination=0.0.0.0/0
0.0.0.0/0, network-manager: 
route1=0.0.0.0/0,192.0.2.1'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
