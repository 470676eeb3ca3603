#!/usr/bin/env bash
# lossless-json 4.3.3: a key that stands twice with the same value is no duplicate.
#
# The option onDuplicateKey of parse() is called only where the two values differ. A config or a request that repeats a
# key with the same value passes without a word, so the option cannot be used to reject duplicates as such. Without the
# option, parse() makes the same distinction: it throws for two values that differ, and accepts two that are equal.
#
# A guess from memory: onDuplicateKey is called for every key that occurs twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund lossless-json@4.3.3
cat > run.js <<'JS'
import { parse } from 'lossless-json';

const duplicatesIn = (text) => {
  const keys = [];
  parse(text, null, { onDuplicateKey: ({ key, newValue }) => (keys.push(key), newValue) });
  return JSON.stringify(keys);
};
const plainly = (text) => {
  try {
    return JSON.stringify(parse(text));
  } catch ({ message }) {
    return message;
  }
};
for (const text of ['{"name":"a","name":"b"}', '{"name":"a","name":"a"}'])
  console.log(`${text}: duplicates ${duplicatesIn(text)}; without the option: ${plainly(text)}`);
JS
seen=$(node run.js) || true
echo "$seen"
# Seen on Node.js 20.20:
expected='{"name":"a","name":"b"}: duplicates ["name"]; without the option: Duplicate key '"'name'"' encountered at position 13
{"name":"a","name":"a"}: duplicates []; without the option: {"name":"a"}'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
