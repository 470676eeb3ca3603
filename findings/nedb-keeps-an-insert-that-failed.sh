#!/usr/bin/env bash
# @seald-io/nedb 4.1.2: an insert that the disk rejected stays in memory, and its remains damage the file.
#
# NeDB changes its memory first and appends to the file afterwards. When the append fails (here by a file size limit, as
# on a full disk), insertAsync() rejects, but the document stays visible to queries, and a second try violates the unique
# index of _id. The part of the line that was written stays in the file, so the next line is glued to it.
#
# A guess from memory: a rejected insert has no effect, and can be tried again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @seald-io/nedb@4.1.2
cat > run.js <<'JS'
import { readFileSync } from 'node:fs';
import Datastore from '@seald-io/nedb';

const store = new Datastore({ filename: 'store.db' });
await store.loadDatabaseAsync();
const insert = (document) => store.insertAsync(document).then(() => 'stored', ({ code, errorType }) => code ?? errorType);
console.log(`a small document: ${await insert({ _id: 'small' })}`);
console.log(`a large one: ${await insert({ _id: 'large', text: 'x'.repeat(3000) })}`);
console.log(`found all the same: ${(await store.findOneAsync({ _id: 'large' })) !== null}`);
console.log(`second try: ${await insert({ _id: 'large', text: 'short' })}`);
console.log(`the file ends in a whole line: ${readFileSync('store.db', 'utf8').endsWith('\n')}`);
JS
# 2 kB a file; SIGXFSZ is ignored so that write(2) fails with EFBIG instead.
seen=$(trap '' XFSZ; ulimit -f 2; node run.js)
echo "$seen"
# Seen on Node.js 20.20, Linux 6.18:
expected='a small document: stored
a large one: EFBIG
found all the same: true
second try: uniqueViolated
the file ends in a whole line: false'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
