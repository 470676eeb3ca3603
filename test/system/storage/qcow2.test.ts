import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { requireNotMarked } from '../../../lib/subagents/shared/rollback-mark.js';
import { holdDisk } from '../../helpers/disk-holder.js';
import { qcow2Backend } from '../../helpers/qcow2-backend.js';
import { createGuest, snapshotRequest } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';
import { diskChangesSuite } from './suites/disk-changes.js';
import { disksSuite } from './suites/disks.js';
import { downloadSuite } from './suites/download.js';
import { imagesSuite } from './suites/images.js';
import { liveSuite } from './suites/live.js';
import { nvramSuite } from './suites/nvram.js';
import { recoverSuite } from './suites/recover.js';
import { severalDisksSuite } from './suites/several-disks.js';
import { snapshotsSuite } from './suites/snapshots.js';

const { test, start, startAgain } = qcow2Backend;
const GUEST = `guests/${GUEST_ID}`;

/** A condition of bash on the arguments of `qemu-img snapshot -q -a SNAPSHOT`, which is the id `1` or `+undo`. */
const ROLLS_BACK_OR_UNDOES = '[[ $opened == *disk-1* || "$4" == +undo ]]';
const ROLLS_BACK = '[[ $opened == *disk-1* && "$4" != +undo ]]';

/** Makes `qemu-img snapshot -a` fail under a condition; `$opened` is the disk. */
const failToApply = (t: ExecutionContext, condition: string): Promise<() => void> =>
  wrapProgram(
    t,
    'qemu-img',
    `opened=$(readlink /proc/self/fd/4)
if [[ "$1" == snapshot && "$3" == -a ]] && ${condition}; then echo "qemu-img: no luck" >&2; exit 1; fi`,
  );

imagesSuite(qcow2Backend);
disksSuite(qcow2Backend);
diskChangesSuite(qcow2Backend);
snapshotsSuite(qcow2Backend);
downloadSuite(qcow2Backend);
liveSuite(qcow2Backend);
nvramSuite(qcow2Backend);
recoverSuite(qcow2Backend);
severalDisksSuite({ ...qcow2Backend, breakRollback: (t) => failToApply(t, ROLLS_BACK_OR_UNDOES) });

test('takes no snapshot when one of the disks fails', async (t) => {
  const storage = await start(t);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  // qemu-io prompts for a command once it has opened the file, and keeps it open.
  const path = disks[1]?.source ?? '';
  const holder = execa('qemu-io', ['-f', 'qcow2', path], { reject: false, stdin: 'pipe' });
  t.teardown(() => void holder.kill());
  await once(holder.stdout, 'data');
  const request = snapshotRequest(GUEST, { dest: 'one' });
  await t.throwsAsync(storage.call('CreateSnapshot', request), {
    message: /disk-1 is open by qemu-io \(process \d+\): stop that first$/,
  });
  t.deepEqual((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots, []);
});

test('undoes the rollback of the first disk when that of the second fails', async (t) => {
  const storage = await start(t);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  const sources = disks.map(({ source }) => source);
  for (const source of sources) await qcow2Backend.io(source, 'write -P 1 0 1M');
  for (const dest of ['s1', 's2']) await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
  for (const source of sources) await qcow2Backend.io(source, 'write -P 2 0 1M');
  const mend = await failToApply(t, ROLLS_BACK);
  const back = snapshotRequest(`${GUEST}@s1`, { destroyMoreRecent: true });
  await t.throwsAsync(storage.call('RollbackSnapshot', back), { message: /no luck/ });
  mend();
  for (const source of sources) await t.notThrowsAsync(qcow2Backend.io(source, 'read -P 2 0 1M'));
  t.is((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.length, 4);
  for (const source of sources)
    t.notRegex((await execa('qemu-img', ['snapshot', '-l', source])).stdout, /undo/);
  await t.notThrowsAsync(requireNotMarked(GUEST_ID, sources));
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's3' }));
});

test('drops at the next change what a rollback could not drop', async (t) => {
  const storage = await start(t);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  const sources = disks.map(({ source }) => source);
  const tables = async (): Promise<string> =>
    (await Promise.all(sources.map((source) => execa('qemu-img', ['snapshot', '-l', source]))))
      .map(({ stdout }) => stdout)
      .join('\n');
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's1' }));
  const mend = await wrapProgram(
    t,
    'qemu-img',
    'if [[ "$1" == snapshot && "$3" == -d && "$4" == +undo ]]; then echo "no room" >&2; exit 1; fi',
  );
  await storage.call('RollbackSnapshot', snapshotRequest(`${GUEST}@s1`));
  t.regex(await tables(), /\+undo/);
  t.is((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.length, 2);
  mend();
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's2' }));
  t.notRegex(await tables(), /\+undo/);
});

test('deletes a snapshot of no disk while another program has one of them open, even for reading', async (t) => {
  const storage = await start(t);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's1' }));
  const { pid, stop } = await holdDisk(t, disks[1]?.source ?? '', '-r');
  const remove = (): Promise<unknown> => storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}@s1`));
  await t.throwsAsync(remove, {
    message: `${GUEST}/disk-1 is open by qemu-nbd (process ${pid}): stop that first`,
  });
  t.is((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots.length, 2);
  await stop();
  await t.notThrowsAsync(remove);
});

test('says which disks of a deleted guest a program still has open', async (t) => {
  const storage = await start(t);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  const { pid } = await holdDisk(t, disks[1]?.source ?? '');
  const { message } = await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
  t.regex(
    message ?? '',
    new RegExp(
      `^${GUEST}/disk-1 still takes .+: it is open by qemu-nbd \\(process ${pid}\\), and its room is free`,
    ),
  );
});

test('reports what it cannot remove of a deleted guest, and starts nevertheless', async (t) => {
  const storage = await start(t);
  const [disk] = await createGuest(storage, [{ size: 1 }]);
  const mounted = join(dirname(disk?.source ?? ''), 'mounted');
  await mkdir(mounted);
  await execa('mount', ['-t', 'tmpfs', 'none', mounted]);
  const { message = '' } = await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
  t.regex(message, /tmp\/deleted-\w+ still takes .+: EBUSY.*: remove it by hand$/);
  const [, left = ''] = /^(\S+) still/.exec(message) ?? [];
  t.teardown(() => execa('umount', [join(left, GUEST_ID, 'mounted')]));
  await t.notThrowsAsync(startAgain(t, storage));
});
