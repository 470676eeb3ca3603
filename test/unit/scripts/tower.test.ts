import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../../lib/files/package-root.js';
import { tempDir } from '../../helpers/temp.js';

const DEPCRUISE = join(packageRoot, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const RULES = '.dependency-cruiser.mjs';

/** Files of a tree, each with the files that it imports. */
const TREE: Record<string, string[]> = {
  'routes/table.ts': ['handlers/guests.ts', 'lib/model/guest.ts'],
  'handlers/guests.ts': ['lib/rpc/client/client.ts'],
  'lib/model/guest.ts': ['lib/store/guests.ts', 'lib/errors.ts'],
  'lib/store/guests.ts': ['lib/config/load.ts'],
  'lib/config/load.ts': [],
  'lib/errors.ts': [],
  'lib/http/a.ts': ['lib/http/b.ts'],
  'lib/http/b.ts': ['lib/http/a.ts'],
  'lib/subagents/qemu/main.ts': ['lib/subagents/storage/images.ts', 'lib/subagents/shared/run.ts'],
  'lib/subagents/storage/images.ts': [],
  'lib/subagents/shared/run.ts': [],
  'lib/subagents/lxc/main.ts': ['lib/subagents/shared/run.ts'],
  'lib/rpc/client/client.ts': ['lib/rpc/server/server.ts', 'lib/rpc/protocol/messages.ts'],
  'lib/rpc/server/server.ts': ['lib/rpc/protocol/messages.ts'],
  'lib/rpc/protocol/messages.ts': [],
  'lib/runtime/pipeline/pipeline.ts': ['lib/runtime/jobs/queue.ts'],
  'lib/runtime/jobs/queue.ts': [],
  'lib/util/strings.ts': ['lib/errors.ts'],
  'lib/cli/main.ts': ['lib/strings.ts'],
  'lib/strings.ts': [],
};

interface Violation {
  from: string;
  to: string;
  rule: { name: string; severity: string };
}

/** Lists the imports of a tree that the rules forbid. */
const violationsIn = async (dir: string, ...folders: string[]): Promise<Violation[]> => {
  const args = [DEPCRUISE, '--config', RULES, '--output-type', 'json', ...folders];
  const { stdout } = await execa(process.execPath, args, { cwd: dir, reject: false });
  return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
};

const writeTree = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  for (const name of [RULES, 'CONTRIBUTING.md']) await copyFile(join(packageRoot, name), join(dir, name));
  await writeFile(join(dir, 'package.json'), '{"type": "module"}');
  for (const [file, imports] of Object.entries(TREE)) {
    const up = '../'.repeat(file.split('/').length - 1);
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(
      join(dir, file),
      [...imports.map((path) => `import '${up}${path.replace('.ts', '.js')}';`), 'export {};', ''].join('\n'),
    );
  }
  return dir;
};

test('npm run lint accepts imports of lower rows and rejects all others', async (t) => {
  const violations = await violationsIn(await writeTree(t), 'routes', 'handlers', 'lib');
  t.true(violations.every(({ rule }) => rule.severity === 'error'));
  const found = violations.map(({ from, to, rule }) => `${from} > ${to}: ${rule.name}`).sort();
  const noRow = 'every folder has a row in CONTRIBUTING.md';
  t.deepEqual(found, [
    `lib/cli/main.ts > lib/strings.ts: ${noRow}`,
    'lib/http/a.ts > lib/http/b.ts: no circles',
    'lib/model/guest.ts > lib/store/guests.ts: lib/model imports only what is below it',
    'lib/rpc/client/client.ts > lib/rpc/server/server.ts: lib/rpc/client imports only what is below it',
    'lib/runtime/pipeline/pipeline.ts > lib/runtime/jobs/queue.ts: lib/runtime/pipeline imports only what is below it',
    'lib/store/guests.ts > lib/config/load.ts: lib/store imports only what is below it',
    `lib/subagents/lxc/main.ts > lib/subagents/shared/run.ts: ${noRow}`,
    'lib/subagents/qemu/main.ts > lib/subagents/storage/images.ts: lib/subagents/qemu imports only what is below it',
    `lib/util/strings.ts > lib/errors.ts: ${noRow}`,
  ]);
});

test('npm run lint accepts the source tree', async (t) => {
  const violations = await violationsIn(packageRoot, 'lib', 'handlers', 'routes', 'scripts');
  t.deepEqual(violations, []);
});
