#!/usr/bin/env bash
# cloud-init 22.4.2 (Debian 12): a version 2 route to "::/0" is rendered as one to "::/64", by all renderers but netplan.
#
# The prefix 0 counts as missing, and the default of 64 takes its place; "0.0.0.0/0" is right. The guest comes up without an
# error and without an IPv6 default route. gateway6 works with all of them, deprecated as it is. (25.1.4 is right.)
#
# A guess from memory: "::/0" is a default route wherever "0.0.0.0/0" is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install cloud-init=22.4.2-1+deb12u4 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu

# Renders network.yaml into a folder named after the renderer, for the NIC 52:54:00:00:00:01; prints the last line of an error.
render() {
  rm -rf "$1"
  PYTHONHOME=root/usr PYTHONPATH=root/usr/lib/python3/dist-packages root/lib64/ld-linux-x86-64.so.2 \
    --library-path "$libraries:$folder/root/lib/x86_64-linux-gnu" root/usr/bin/python3.11 -m cloudinit.cmd.main devel net-convert --network-data network.yaml \
    --kind yaml --directory "$1" --distro "${2:-debian}" --output-kind "$1" --mac eth0,52:54:00:00:00:01 >"$1.log" 2>&1 ||
    tail -n 1 "$1.log"
}

cat >network.yaml <<'YAML'
version: 2
ethernets:
  eth0:
    match: {macaddress: "52:54:00:00:00:01"}
    set-name: eth0
    addresses: [192.0.2.10/24, "2001:db8::10/64"]
    routes: [{to: 0.0.0.0/0, via: 192.0.2.1}, {to: "::/0", via: "2001:db8::1"}]
YAML
seen=$(
  for renderer in netplan networkd network-manager eni; do
    echo "$renderer:$(render "$renderer")"
    grep -rhE 'to: |Destination=|route[0-9]=|post-up' "$renderer"
  done
)
echo "$seen"
expected='netplan:
            -   to: 0.0.0.0/0
            -   to: ::/0
networkd:
Destination=0.0.0.0/0
Destination=::/64
network-manager:
route1=0.0.0.0/0,192.0.2.1
route2=::/64,2001:db8::1
eni:
    post-up route add default gw 192.0.2.1 || true
    post-up route add -A inet6 ::/64 gw 2001:db8::1 || true'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
