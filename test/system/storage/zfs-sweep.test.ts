import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import avaTest from 'ava';
import { execa } from 'execa';
import { needsInTurn } from '../../helpers/needs.js';
import { missingParts } from '../../helpers/parts.js';
import { createGuest } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';
import { createPool, type TestPool, ZFS_PARTS, zfs } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';

/** Sorts, and is swept, before GUEST_ID. */
const FIRST_ID = `00000000${GUEST_ID.slice(8)}`;

let pool: TestPool | undefined;

const PARTS = ['qemu-img', 'mkfifo', ...ZFS_PARTS];
const test = needsInTurn(...PARTS);
const backend = zfsBackend(test, () => pool as TestPool);

if (missingParts(...PARTS).length === 0) {
  avaTest.before(async () => {
    pool = await createPool();
  });
  avaTest.after.always(() => pool?.destroy());
}

/**
 * Puts a `zfs` first in the path that waits, before it destroys the dataset `name` for the first time, until a writer
 * has opened and closed the pipe. It passes on every other command.
 */
const delayDestroy = async (dir: string, name: string): Promise<{ pipe: string }> => {
  const [bin, pipe] = [join(dir, 'bin'), join(dir, 'pipe')];
  await mkdir(bin);
  await execa('mkfifo', [pipe]);
  const { stdout: real } = await execa('sh', ['-c', 'command -v zfs']);
  const script = `#!/bin/bash
[[ "$1" == destroy && "\${!#}" == */${name} && -p ${pipe} ]] && cat ${pipe} && rm ${pipe}
exec ${real} "$@"
`;
  await writeFile(join(bin, 'zfs'), script);
  await chmod(join(bin, 'zfs'), 0o755);
  process.env.PATH = `${bin}:${process.env.PATH}`;
  return { pipe };
};

test('a sweep spares a guest that was created again after it was listed', async (t) => {
  const storage = await backend.start(t);
  const { dataset } = backend.part(storage);
  for (const id of [FIRST_ID, GUEST_ID]) await createGuest(storage, [{ size: 1 }], id);
  // The state of a guest that was deleted during a download.
  await zfs('set', 'mistify:deleted=true', `${dataset}/guests/${GUEST_ID}`);
  const { pipe } = await delayDestroy(await tempDir(t), FIRST_ID);
  const deleted = storage.call('DeleteGuestsDisks', { guest: { id: FIRST_ID } });
  const writer = await open(pipe, 'w');
  await until('the old dataset is destroyed', async () => {
    const { failed } = await execa('zfs', ['destroy', '-r', `${dataset}/guests/${GUEST_ID}`], {
      reject: false,
    });
    return !failed;
  });
  const disks = await createGuest(storage, [{ size: 1 }]);
  await writer.close();
  await deleted;
  await t.notThrowsAsync(storage.call('VerifyDisks', { guest: { id: GUEST_ID, disks } }));
  t.deepEqual((await backend.contents(storage)).guests, [GUEST_ID]);
});
