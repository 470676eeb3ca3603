#!/usr/bin/env bash
# iproute2 6.15.0 (Debian 13; 6.1.0 and 7.2.0 alike): ip -json prints an empty object for each link that a filter leaves out.
#
# The kernel filters by some conditions ("master", "type" of a kind that it knows) and ip by the others ("up"). ip
# opens an object for each link that the kernel sent and leaves it empty when the link does not match. So the array's
# length is no count, and its first element may be no match. Drop the elements that have no "ifname".
#
# A guess from memory: [] when nothing matches.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs Debian's apt.
mkdir -p debs/partial lists/partial root
touch status
echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p) trixie main" >sources.list
apt() {
  apt-get -qq -y --no-install-recommends -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" \
    -o Dir::Cache::archives="$folder/debs" "$@" >apt.log 2>&1
}
apt update
apt --download-only install iproute2=6.15.0-1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
ip() { "$folder/root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" "$folder/root/usr/bin/ip" "$@"; }
export folder libraries
# A network namespace of its own, with the links lo (up), veth0 and veth1 (both down).
seen=$(unshare --net "$BASH" -c "$(declare -f ip)"'
  ip link set lo up
  ip link add veth0 type veth peer name veth1
  echo "up: $(ip -json link show up | sed -E "s/\{[^}]+\}/{...}/g")"
  echo "up, a veth: $(ip -json link show up type veth)"
  echo "master lo: $(ip -json link show master lo 2>&1)"
')
echo "$seen"
expected='up: [{...},{},{}]
up, a veth: [{},{}]
master lo: []'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
