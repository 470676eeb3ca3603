#!/usr/bin/env bash
# restic 0.14.0 (Debian 12): dump begins its output with a line about the password when that comes from standard input.
#
# Without a terminal, a password file or a password in the environment, restic reads the password from standard input,
# and writes "reading repository password from stdin" to standard output first. dump writes the file's bytes to the same
# place, so the restored file, tar archive or disk is 39 bytes longer than what was saved, and the exit code is 0. With
# --json, the output begins with a line that is no JSON. -q stops the line. Give the password by RESTIC_PASSWORD_FILE or
# RESTIC_PASSWORD, or compare sums.
#
# A guess from memory: a program whose standard output is the data writes notes to standard error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs the apt of Debian 12.
mkdir -p debs/partial root
touch status
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/status" \
  -o Dir::Cache::archives="$folder/debs" install restic=0.14.0-1+b5 >apt.log 2>&1
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu
restic() { root/lib64/ld-linux-x86-64.so.2 --library-path "$libraries" root/usr/bin/restic "$@"; }
export RESTIC_REPOSITORY=$folder/repository RESTIC_CACHE_DIR=$folder/cache
echo example >password
printf data >file
restic -q init --password-file password
restic -q backup --password-file password file
# Says what a dump of the file has, and what comes on standard error.
show() {
  local words=$1
  shift
  restic "$@" dump latest /file >dumped 2>errors
  echo "$words: exit $?, $(tr '\n' '|' <dumped), errors: $(wc -c <errors) bytes"
}
seen=$(
  show 'password in a file' --password-file password </dev/null
  show 'password on standard input' <password
  show 'the same with -q' -q <password
  echo "snapshots --json: $(restic --json snapshots <password 2>errors | head -n 1)"
)
echo "$seen"
expected='password in a file: exit 0, data, errors: 0 bytes
password on standard input: exit 0, reading repository password from stdin|data, errors: 0 bytes
the same with -q: exit 0, data, errors: 0 bytes
snapshots --json: reading repository password from stdin'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
