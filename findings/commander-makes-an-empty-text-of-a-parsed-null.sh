#!/usr/bin/env bash
# commander 14.0.3: an option's parser cannot return null. The option's value is '' then, and true if its argument is optional.
#
# The README says of a custom parser that its return value is the new value of the option. commander fills in "missing"
# values after the parser has run, and takes null and undefined for missing.
#
# A guess from memory: `--memory default`, whose parser returns null for "no limit", gives { memory: null }.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund commander@14.0.3

cat >parse.mjs <<'JS'
import { Command } from 'commander';

const parse = (text) => (text === 'default' ? null : Number(text));
const command = new Command().option('--memory <mb>', '', parse).option('--cpu [count]', '', parse);
command.parse(['--memory', 'default', '--cpu', 'default'], { from: 'user' });
console.log(JSON.stringify(command.opts()));
JS
seen=$(node parse.mjs)
echo "guess: {\"memory\":null,\"cpu\":null}"
echo "seen:  $seen"
[ "$seen" = '{"memory":"","cpu":true}' ] || { echo 'This has changed.' >&2; exit 1; }
