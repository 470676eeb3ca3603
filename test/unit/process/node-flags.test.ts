import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../lib/files/package-root.js';
import { AGENT_ENVIRONMENT, NODE_FLAGS, SUB_AGENT_FLAGS } from '../../../lib/process/node-flags.js';

const AGENT_START = [
  ...Object.entries(AGENT_ENVIRONMENT).map(([name, value]) => `${name}=${value}`),
  'node',
  ...NODE_FLAGS,
];

interface Package {
  bin: Record<string, string>;
  scripts: Record<string, string>;
}

const readPackage = async (): Promise<Package> =>
  JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as Package;

for (const program of [
  'mistify-agent',
  'mistify-storage',
  'mistify-qemu',
  'mistify-container',
  'mistify-backup',
  'mistify-sub-agents',
])
  test(`the shebang of ${program} passes the flags to Node`, async (t) => {
    const { bin } = await readPackage();
    const [shebang] = (await readFile(join(packageRoot, bin[program] ?? ''), 'utf8')).split('\n');
    const node = program === 'mistify-agent' ? AGENT_START : ['node', ...SUB_AGENT_FLAGS];
    t.is(shebang, `#!/usr/bin/env -S ${node.join(' ')}`);
  });

test('npm start passes the flags to Node', async (t) => {
  const { scripts } = await readPackage();
  const [variable, ...node] = AGENT_START;
  t.is(scripts.start, `${variable} exec ${node.join(' ')} scripts/start.mjs`);
});
