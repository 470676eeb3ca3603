#!/usr/bin/env bash
# @seald-io/nedb 4.1.2: a string with U+2028 (also U+2029 or U+0085) is stored, and the document is gone after a reload.
#
# JSON allows these characters unescaped in a string, and NeDB writes them as they are. It reads its file with
# node:readline, which ends a line at each of them. The two halves are no JSON; as long as at most 10 % of the file's
# lines are damaged (corruptAlertThreshold), NeDB drops them without an error or a warning. In a file of fewer lines it
# refuses to load at all.
#
# A guess from memory: what insertAsync() acknowledged, loadDatabaseAsync() gives back.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @seald-io/nedb@4.1.2
cat > run.js <<'JS'
import Datastore from '@seald-io/nedb';

const open = async (filename) => {
  const store = new Datastore({ filename });
  await store.loadDatabaseAsync();
  return store;
};

const written = await open('many.db');
for (let n = 0; n < 20; n++) await written.insertAsync({ _id: `plain-${n}` });
await written.insertAsync({ _id: 'note', text: 'first line\u2028second line' });
const read = await open('many.db');
console.log(`21 documents: ${await read.countAsync({})} after a reload, note: ${await read.findOneAsync({ _id: 'note' })}`);

const small = await open('few.db');
await small.insertAsync({ _id: 'note', text: 'first line\u2028second line' });
console.log(`1 document: ${await open('few.db').catch(({ message }) => message.replace(/\..*/, ''))}`);
JS
seen=$(node run.js)
echo "$seen"
# Seen on Node.js 20.20:
expected='21 documents: 20 after a reload, note: null
1 document: 100% of the data file is corrupt, more than given corruptAlertThreshold (10%)'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
