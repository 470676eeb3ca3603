#!/usr/bin/env bash
# tar-stream 3.2.2: a sparse file in an archive is read as a short file of other content, without an error.
#
# GNU tar --sparse stores the parts of a file that are not holes, and where they belong. tar-stream knows neither
# form. With --format=posix, the entry is a plain "file" under another name (GNUSparseFile...), and its content is the
# map of the holes followed by the data. With --format=gnu (GNU tar's default), its type is null and its content the
# data alone. An importer of disks or root file systems has to reject headers with a pax key GNU.sparse.* and entries
# without a type.
#
# A guess from memory: the holes are read as zeros, or the entry is rejected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund tar-stream@3.2.2
truncate -s 5M disk.raw
printf data | dd of=disk.raw bs=1 seek=3000000 conv=notrunc status=none
for format in posix gnu; do tar --sparse --format=$format -cf $format.tar disk.raw; done
cat > run.js <<'JS'
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';

for (const format of ['posix', 'gnu'])
  for await (const entry of createReadStream(`${format}.tar`).pipe(extract())) {
    const { name, type, size, pax } = entry.header;
    const content = await buffer(entry);
    console.log(`${format}: ${name.replace(/\d+/, 'N')}, type ${type}, ${size} bytes, read ${content.length}, ` +
      `real size ${pax?.['GNU.sparse.realsize']}`);
  }
JS
seen=$(node run.js) || true
echo "$seen"
# Seen on Node.js 20.20 with GNU tar 1.34, on a file system with blocks of 4 kB:
expected='posix: ./GNUSparseFile.N/disk.raw, type file, 4608 bytes, read 4608, real size 5242880
gnu: disk.raw, type null, 4096 bytes, read 4096, real size undefined'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
