import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Disk } from '../../../lib/model/guest.js';
import { readGeneration } from '../../../lib/subagents/shared/generation.js';
import {
  removeRollbackMark,
  requireNotMarked,
  writeRollbackMark,
} from '../../../lib/subagents/shared/rollback-mark.js';
import {
  checkTestBackup,
  checkTestRestore,
  openTestBackup,
  openTestRestore,
  writeWhole,
} from '../../helpers/backups.js';
import { startLiveGuest } from '../../helpers/live-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import {
  addImage,
  createGuest,
  qemuIo,
  snapshotRequest,
  startTestStorage,
  type TestStorage,
} from '../../helpers/storage.js';
import { storageProgram } from '../../helpers/storage-program.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

const test = needsInTurn('qemu-img', 'qemu-nbd', 'qemu-io', 'nbdcopy', 'qemu-system-x86_64', 'python3');

const GUEST = `guests/${GUEST_ID}`;
const MB = 2 ** 20;

interface Host extends TestStorage {
  disks: Disk[];
  sources: string[];
  scratch: string;
  guestDir: string;
}

const withGuest = async (
  t: ExecutionContext,
  storage: TestStorage,
  wanted: Partial<Disk>[],
): Promise<Host> => {
  await addImage(storage, 'os', 0x11);
  const disks = await createGuest(storage, wanted);
  const sources = disks.map(({ source }) => source);
  const guestDir = dirname(sources[0] ?? '');
  for (const source of sources) await qemuIo(source, 'write -P 1 512k 1M');
  return { ...storage, disks, sources, scratch: await tempDir(t), guestDir };
};

const startHost = async (
  t: ExecutionContext,
  disks = [{ image: 'os', size: 4 }, { size: 4 }],
): Promise<Host> => withGuest(t, await startTestStorage(t), disks);

/** The disks of a backup, and their content. */
const BACKUP = [
  { disk: '0', size: 4 * MB },
  { disk: '1', size: 4 * MB },
];
const CONTENT = Buffer.alloc(4 * MB).fill(7, MB, 2 * MB);

const writeAll = async ({ scratch }: Host, disks: Parameters<typeof writeWhole>[1][]): Promise<void> => {
  for (const disk of disks) await writeWhole(scratch, disk, CONTENT);
};

const isRestored = async (source: string): Promise<boolean> => {
  for (const command of ['read -P 0 0 1M', 'read -P 7 1M 1M', 'read -P 0 2M 2M'])
    if (/failed/.test(await qemuIo(source, command).catch(() => 'failed'))) return false;
  return true;
};

const isAsBefore = async (source: string): Promise<boolean> =>
  qemuIo(source, 'read -P 1 512k 1M').then(
    () => true,
    () => false,
  );

const snapshotTable = async (source: string): Promise<string> =>
  (await execa('qemu-img', ['snapshot', '-l', source])).stdout;

test('a restore replaces all of the disks, and what the guest had before goes with its success', async (t) => {
  const host = await startHost(t);
  const { call, sources } = host;
  await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's1' }));
  const generation = await readGeneration(host.guestDir);
  const { target, close } = await openTestRestore(host, BACKUP);
  t.deepEqual(
    target.disks.map(({ disk, size }) => ({ disk, size })),
    BACKUP,
  );
  await t.throwsAsync(requireNotMarked(GUEST_ID, sources), { message: /it is being restored from backup/ });
  await t.throwsAsync(call('RollbackSnapshot', snapshotRequest(`${GUEST}@s1`)), {
    message: /is being restored/,
  });
  t.is((await call('ListSnapshots', snapshotRequest(GUEST))).snapshots.length, 2);
  await writeAll(host, target.disks);
  await close();
  await t.notThrowsAsync(requireNotMarked(GUEST_ID, sources));
  for (const source of sources) {
    t.true(await isRestored(source));
    t.notRegex(await snapshotTable(source), /kept/);
    await execa('qemu-img', ['check', '-q', source]);
  }
  t.not(await readGeneration(host.guestDir), generation);
  t.deepEqual(await readdir(join(host.dir, 'backups')), []);
  await call('RollbackSnapshot', snapshotRequest(`${GUEST}@s1`));
  for (const source of sources) t.true(await isAsBefore(source));
});

test('a restore that fails gives the disks back what they had', async (t) => {
  const host = await startHost(t);
  const { target, close } = await openTestRestore(host, BACKUP);
  await writeAll(host, target.disks.slice(0, 1));
  await close('failed');
  await close('failed');
  await t.notThrowsAsync(requireNotMarked(GUEST_ID, host.sources));
  for (const source of host.sources) {
    t.true(await isAsBefore(source));
    t.notRegex(await snapshotTable(source), /kept/);
    await execa('qemu-img', ['check', '-q', source]);
  }
});

test('restores one disk, which grows to the size that it had', async (t) => {
  const host = await startHost(t);
  const { target, close } = await openTestRestore(host, [{ disk: '1', size: 8 * MB }]);
  t.deepEqual(
    target.disks.map(({ disk, size }) => ({ disk, size })),
    [{ disk: '1', size: 8 * MB }],
  );
  await close('failed');
  t.regex((await execa('qemu-img', ['info', host.sources[1] ?? ''])).stdout, /virtual size: 4 MiB/);
  const again = await openTestRestore(host, [{ disk: '1', size: 8 * MB }]);
  await writeAll(host, again.target.disks);
  await again.close();
  t.true(await isRestored(host.sources[1] ?? ''));
  t.true(await isAsBefore(host.sources[0] ?? ''));
  t.is((await call('VerifyDisks', host)).guest.id, GUEST_ID);
  t.regex((await execa('qemu-img', ['info', host.sources[1] ?? ''])).stdout, /virtual size: 8 MiB/);
});

const call = (method: string, { call: ask, disks }: Host): ReturnType<TestStorage['call']> =>
  ask(method, { guest: { id: GUEST_ID, disks }, action: 'verify' });

test('restores UEFI variables and the state of a TPM once all disks are restored', async (t) => {
  const host = await startHost(t, [{ size: 4 }]);
  const nvram = join(host.guestDir, 'nvram.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', nvram, '540672']);
  const names = ['nvram.qcow2', 'tpm/tpm2-00.permall', '../passwd'];
  const { target, close } = await openTestRestore(host, BACKUP.slice(0, 1), names);
  await mkdir(join(target.filesDir, 'tpm'), { recursive: true });
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', join(target.filesDir, 'nvram.qcow2'), '540672']);
  await qemuIo(join(target.filesDir, 'nvram.qcow2'), 'write -P 9 0 64k');
  await writeFile(join(target.filesDir, 'tpm', 'tpm2-00.permall'), 'restored');
  await writeAll(host, target.disks);
  await close();
  await t.notThrowsAsync(qemuIo(nvram, 'read -P 9 0 64k'));
  t.is(await readFile(join(host.guestDir, 'tpm', 'tpm2-00.permall'), 'utf8'), 'restored');
});

test('rejects a restore of a guest that runs, is being backed up, or lacks a disk, and so does its check', async (t) => {
  const host = await startHost(t);
  const rejects = async (message: RegExp, disks = BACKUP): Promise<void> => {
    await t.throwsAsync(checkTestRestore(host, disks), { message });
    await t.throwsAsync(openTestRestore(host, disks), { message });
  };
  await rejects(/^guest \S+ has no disk 2, which is in backup/, [{ disk: '2', size: MB }]);
  const { close } = await openTestBackup(host);
  await rejects(/is being backed up/);
  await close('failed');
  const guest = await startLiveGuest(t, host, host.disks);
  await rejects(/ is running: shut it down, then restore it$/);
  await guest.stop();
  await writeRollbackMark(host.guestDir, 'a rollback of it was interrupted');
  await rejects(/a rollback of it was interrupted/);
  await removeRollbackMark(host.guestDir);
  t.deepEqual(await checkTestRestore(host, BACKUP), { guest: { id: GUEST_ID } } as never);
  const restore = await openTestRestore(host, BACKUP);
  await t.throwsAsync(checkTestBackup(host), { message: /is being restored/ });
  await t.throwsAsync(openTestBackup(host), { message: /is being restored/ });
  await restore.close('failed');
});

test('the next backup reads everything after a restore', async (t) => {
  const host = await startHost(t);
  await (await openTestBackup(host)).close();
  const { target, close } = await openTestRestore(host, BACKUP);
  await writeAll(host, target.disks);
  await close();
  const { source } = await openTestBackup(host);
  const whole = 'the guest was restored from a backup since the last backup';
  t.deepEqual(
    source.disks.map((disk) => disk.whole),
    [whole, whole],
  );
});

test('a killed sub-agent undoes a restore at its next start, and does not say that it succeeded', async (t) => {
  const program = await storageProgram(t);
  await program.start();
  const host = await withGuest(t, program, [{ image: 'os', size: 4 }, { size: 4 }]);
  const { target, close } = await openTestRestore(host, BACKUP);
  await writeAll(host, target.disks);
  await program.kill();
  await t.throwsAsync(requireNotMarked(GUEST_ID, host.sources));
  await program.start();
  await t.notThrowsAsync(requireNotMarked(GUEST_ID, host.sources));
  for (const source of host.sources) t.true(await isAsBefore(source));
  await t.throwsAsync(close(), { message: /was restarted during the restore, and has undone it/ });
});
