#!/usr/bin/env bash
# @seald-io/nedb 4.1.2: loading a database rewrites its file, so opening one needs room and the right to write.
#
# loadDatabaseAsync() compacts: it writes a second file beside the first and renames it into place, also when nothing
# changed. An agent whose disk is full, or whose state is mounted read-only, cannot even read what it has.
#
# A guess from memory: loading reads.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @seald-io/nedb@4.1.2
cat > run.js <<'JS'
import { readFileSync, statSync } from 'node:fs';
import Datastore from '@seald-io/nedb';

const load = async () => {
  const store = new Datastore({ filename: 'store.db' });
  await store.loadDatabaseAsync();
  return store;
};
const store = await load();
for (let n = 0; n < 1000; n++) await store.insertAsync({ _id: `document-${n}` });
await load();
const { ino } = statSync('store.db');
const text = readFileSync('store.db', 'utf8');
await load();
console.log(`same content: ${readFileSync('store.db', 'utf8') === text}`);
console.log(`same file: ${statSync('store.db').ino === ino}`);
JS
node run.js > seen.txt
cat > read.js <<'JS'
import Datastore from '@seald-io/nedb';
const store = new Datastore({ filename: 'store.db' });
console.log(`with no room to write: ${await store.loadDatabaseAsync().then(() => 'loaded', ({ code }) => code)}`);
JS
(trap '' XFSZ; ulimit -f 4; node read.js) >> seen.txt
cat seen.txt
# Seen on Node.js 20.20, Linux 6.18:
expected='same content: true
same file: false
with no room to write: EFBIG'
[ "$(cat seen.txt)" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
