import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { STATE_FORMAT } from '../../../../lib/files/state-format.js';
import { startContainerSubAgent } from '../../../../lib/subagents/container/service.js';
import { startQemu } from '../../../../lib/subagents/qemu/service.js';
import type { Running } from '../../../../lib/subagents/shared/run.js';
import { startStorage } from '../../../../lib/subagents/storage/service.js';
import { GUEST_ID, silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

// Guarantees: G43, G45.

type Kind = 'qemu' | 'storage' | 'container';

const start = (kind: Kind, dir: string): Promise<Running> => {
  const at = (name: string): string => join(dir, name);
  const hostDir = at('host');
  switch (kind) {
    case 'qemu':
      return startQemu(
        { dir: at('qemu'), runDir: at('run'), hostDir, accel: 'tcg', qemu: 'no-such-qemu' },
        silentLog,
      );
    case 'storage':
      return startStorage({ dir: at('storage'), runDir: at('run'), hostDir }, silentLog);
    case 'container':
      return startContainerSubAgent({ dir: at('container'), hostDir, engine: [at('no.sock')] }, silentLog);
  }
};

/** The files of sub-agents as the version before the numbers wrote them. */
const FILES: [Kind, string, object][] = [
  [
    'qemu',
    `qemu/guests/${GUEST_ID}/guest.json`,
    {
      definition: { id: GUEST_ID, memory: 64, cpu: 1, nics: [], disks: [] },
      crashed: false,
      uid: 2_000_000_000,
    },
  ],
  ['qemu', 'qemu/switch-ports.json', { [GUEST_ID]: 'in use' }],
  ['storage', `storage/guests/${GUEST_ID}/disks.json`, { disks: [{ image: '', size: 1, device: 'vda' }] }],
  ['storage', `storage/guests/${GUEST_ID}/consistency.json`, { '0@s1': 'filesystem' }],
  ['storage', `storage/guests/${GUEST_ID}/descriptions.json`, { '0@s1': 'before the upgrade' }],
  ['storage', `storage/journal/${GUEST_ID}.json`, { action: 'delete', name: 's1', disks: [0] }],
  ['container', 'container/switch-ports.json', { [GUEST_ID]: 'pending' }],
];

const write = async (path: string, content: object): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(content));
};

/** Reads all files below a directory. Locks are empty. */
const allFiles = async (dir: string): Promise<Record<string, string>> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const texts = await Promise.all(
    paths.map(async (path) => [relative(dir, path), await readFile(path, 'utf8')]),
  );
  return Object.fromEntries(texts.filter(([, text]) => text !== '')) as Record<string, string>;
};

const stop = async (t: ExecutionContext, { subAgent, close }: Running): Promise<void> => {
  await subAgent.close();
  await close?.();
  t.pass();
};

for (const [kind, file, content] of FILES) {
  test(`${kind} starts with ${file} of the version before the numbers`, async (t) => {
    const dir = await tempDir(t);
    await write(join(dir, file), content);
    await stop(t, await start(kind, dir));
  });

  test(`${kind} refuses ${file} of a newer version, and writes nothing`, async (t) => {
    const dir = await tempDir(t);
    await write(join(dir, file), { format: 99, ...content });
    const before = await allFiles(dir);
    await t.throwsAsync(start(kind, dir), {
      message: `${join(dir, file)} has format 99, from a newer version of the agent; this one reads up to ${STATE_FORMAT}: start the newer version, or restore the backup from before its upgrade (nothing was changed)`,
    });
    t.deepEqual(await allFiles(dir), before);
    // The lock is free: the next start gets as far.
    await t.throwsAsync(start(kind, dir), { message: /has format 99/ });
  });
}

test('a sub-agent refuses the claims of a newer version, and claims nothing', async (t) => {
  const dir = await tempDir(t);
  const file = join(dir, 'host/0123456789abcdef.json');
  await write(file, { version: 99, kind: 'qemu', dir: '/elsewhere' });
  await t.throwsAsync(start('storage', dir), {
    message: new RegExp(`${file} has version 99, from a newer version of the agent; this one reads up to 1`),
  });
  t.deepEqual(Object.keys(await allFiles(join(dir, 'host'))), ['0123456789abcdef.json']);
});
