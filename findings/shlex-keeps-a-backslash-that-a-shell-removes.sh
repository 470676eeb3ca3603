#!/usr/bin/env bash
# shlex 3.0.0: the words of a line are not always those of a POSIX shell.
#
# Between double quotes a shell removes the backslash before $ and ` (POSIX, Shell Command Language, 2.2.3). split() keeps
# it there, like the Python module that it ports, and no option changes that. So a line such as sh -c "echo \$HOME" runs
# another program than in a shell, without an error. The word alone does not tell: between single quotes a shell keeps
# the backslash as well. We reject words with such a backslash.
#
# A guess from memory: shlex in POSIX mode, its only mode here, splits as a POSIX shell does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund shlex@3.0.0
cat > run.js <<'JS'
import { execFileSync } from 'node:child_process';
import { split } from 'shlex';

for (const line of ['"\\$HOME"', '"\\`id\\`"', "'\\$HOME'", '"say \\"hi\\""']) {
  const words = execFileSync('sh', ['-c', `printf '%s' ${line}`], { encoding: 'utf8' });
  console.log(`${line}: a shell passes ${words}, shlex ${split(line).join(' ')}`);
}
JS
seen=$(node run.js) || true
echo "$seen"
# Seen on Node.js 20.20 with dash 0.5.12:
expected='"\$HOME": a shell passes $HOME, shlex \$HOME
"\`id\`": a shell passes `id`, shlex \`id\`
'"'"'\$HOME'"'"': a shell passes \$HOME, shlex \$HOME
"say \"hi\"": a shell passes say "hi", shlex say "hi"'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
