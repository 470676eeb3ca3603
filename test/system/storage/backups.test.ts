import { randomInt, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Disk } from '../../../lib/model/guest.js';
import type { SourceDisk } from '../../../lib/rpc/protocol/backup-disk-messages.js';
import { requireNotMarked } from '../../../lib/subagents/shared/rollback-mark.js';
import type { StorageOptions } from '../../../lib/subagents/storage/service.js';
import {
  changedExtents,
  checkTestBackup,
  openTestBackup,
  readIncrement,
  readWhole,
} from '../../helpers/backups.js';
import { holdDisk } from '../../helpers/disk-holder.js';
import { type LiveGuest, startLiveGuest } from '../../helpers/live-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import {
  addImage,
  createGuest,
  qemuIo,
  snapshotRequest,
  startTestStorage,
  type TestStorage,
} from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

const test = needsInTurn(
  'qemu-img',
  'qemu-nbd',
  'qemu-io',
  'nbdcopy',
  'nbdinfo',
  'qemu-system-x86_64',
  'python3',
);

const GUEST = `guests/${GUEST_ID}`;
const MB = 2 ** 20;
const BLOCK = 65_536;
/** The byte that fills the image. */
const IMAGE_BYTE = 0x11;
const KILLED = 'the list of changed blocks was lost when QEMU was killed';

interface Host extends TestStorage {
  disks: Disk[];
  scratch: string;
}

const startHost = async (
  t: ExecutionContext,
  disks: Partial<Disk>[] = [{ image: 'os', size: 4 }, { size: 4 }],
  options: Partial<StorageOptions> = {},
): Promise<Host> => {
  const storage = await startTestStorage(t, undefined, options);
  await addImage(storage, 'os', IMAGE_BYTE);
  return { ...storage, disks: await createGuest(storage, disks), scratch: await tempDir(t) };
};

/** The content that disks must have. */
const contentOf = (disks: readonly Disk[]): Buffer[] =>
  disks.map(({ image, size }) => {
    const content = Buffer.alloc(size * MB);
    return image === '' ? content : content.fill(IMAGE_BYTE, 0, MB);
  });

type Io = (disk: number, command: string) => Promise<unknown>;

const offIo =
  (disks: readonly Disk[]): Io =>
  (disk, command) =>
    qemuIo(disks[disk]?.source ?? '', command);

/** Writes some blocks of each disk, through `io` and to `content`. */
const writeSome = async (io: Io, content: readonly Buffer[], count = 3): Promise<void> => {
  for (const [disk, bytes] of content.entries())
    for (let n = 0; n < count; n += 1) {
      const offset = randomInt(bytes.length / BLOCK) * BLOCK;
      const value = randomInt(1, 256);
      await io(disk, `write -P ${value} ${offset} ${BLOCK}`);
      bytes.fill(value, offset, offset + BLOCK);
    }
};

const copyOf = (content: readonly Buffer[]): Buffer[] => content.map((bytes) => Buffer.from(bytes));

/** The numbers of the disks that differ. */
const differences = (actual: readonly Buffer[], expected: readonly Buffer[]): number[] =>
  [...expected.keys()].filter((disk) => !actual[disk]?.equals(expected[disk] ?? Buffer.alloc(0)));

const bitmapsOf = async ({ source }: Disk): Promise<string[]> => {
  const { stdout } = await execa('qemu-img', ['info', '-U', '--output=json', source]);
  const info = JSON.parse(stdout) as { 'format-specific': { data: { bitmaps?: { name: string }[] } } };
  return (info['format-specific'].data.bitmaps ?? []).map(({ name }) => name);
};

/** The names of the block nodes that only a backup has. */
const backupNodes = async ({ ask }: Pick<LiveGuest, 'ask'>): Promise<string[]> =>
  (await ask<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true }))
    .map((node) => node['node-name'])
    .filter((name) => name.startsWith('backup'));

const isReadable = ({ scratch }: Host, disk: SourceDisk): Promise<boolean> =>
  readWhole(scratch, disk).then(
    () => true,
    () => false,
  );

/** Opens a backup, reads all of it, and closes it. */
const backUp = async (
  host: Host,
  before?: readonly Buffer[],
): Promise<{ backup: string; content: Buffer[]; whole: (string | undefined)[] }> => {
  const { backup, source, close } = await openTestBackup(host);
  const content: Buffer[] = [];
  for (const [index, disk] of source.disks.entries())
    content.push(
      before && disk.bitmap !== undefined
        ? await readIncrement(host.scratch, disk, before[index] ?? Buffer.alloc(0))
        : await readWhole(host.scratch, disk),
    );
  await close();
  return { backup, content, whole: source.disks.map(({ whole }) => whole) };
};

test('increments of a running guest have what its disks had at one instant, while it writes on', async (t) => {
  const host = await startHost(t);
  const guest = await startLiveGuest(t, host, host.disks);
  const content = contentOf(host.disks);
  let before: Buffer[] | undefined;
  let last: string | undefined;
  for (let round = 0; round < 4; round += 1) {
    await writeSome(guest.io, content);
    const instant = copyOf(content);
    const { backup, source, close } = await openTestBackup(host);
    t.is(source.consistency, 'crash');
    await writeSome(guest.io, content);
    for (const disk of source.disks) {
      t.is(disk.since, last);
      t.is(disk.whole, round === 0 ? 'it is the first backup of the guest' : undefined);
    }
    const read = await Promise.all(
      source.disks.map(async (disk, index) => {
        await writeSome(guest.io, content, 1);
        const old = before?.[index];
        return old ? readIncrement(host.scratch, disk, old) : readWhole(host.scratch, disk);
      }),
    );
    t.deepEqual(differences(read, instant), []);
    await close();
    t.deepEqual(await backupNodes(guest), []);
    [before, last] = [instant, backup];
  }
  await guest.stop();
  for (const disk of host.disks) t.deepEqual(await bitmapsOf(disk), [`backup-${last}`]);
  t.deepEqual(await readdir(join(host.dir, 'backups')), []);
});

test('an increment has only what has changed', async (t) => {
  const host = await startHost(t, [{ size: 64 }]);
  const guest = await startLiveGuest(t, host, host.disks);
  await backUp(host);
  await guest.io(0, `write -P 1 ${5 * BLOCK} 1k`);
  const { source, close } = await openTestBackup(host);
  const [disk] = source.disks;
  t.deepEqual(disk && (await changedExtents(disk)).map(({ offset, length }) => [offset, length]), [
    [5 * BLOCK, BLOCK],
  ]);
  await close();
});

test('after a failed backup the next increment also has what changed before it', async (t) => {
  const host = await startHost(t);
  const guest = await startLiveGuest(t, host, host.disks);
  const content = contentOf(host.disks);
  const first = await backUp(host);
  for (let round = 0; round < 2; round += 1) {
    await writeSome(guest.io, content);
    const { close } = await openTestBackup(host);
    await writeSome(guest.io, content);
    await close('failed');
  }
  const { source, close } = await openTestBackup(host);
  t.is(source.disks[0]?.since, first.backup);
  await close('failed');
  t.deepEqual(differences((await backUp(host, first.content)).content, content), []);
});

test('backs up a guest that is off, which does not start meanwhile', async (t) => {
  const host = await startHost(t);
  const content = contentOf(host.disks);
  const io = offIo(host.disks);
  const first = await backUp(host);
  t.deepEqual(differences(first.content, content), []);
  await writeSome(io, content);
  const { source, close } = await openTestBackup(host);
  t.deepEqual(
    source.disks.map(({ since }) => since),
    [first.backup, first.backup],
  );
  const sources = host.disks.map((disk) => disk.source);
  await t.throwsAsync(requireNotMarked(GUEST_ID, sources), {
    message: `guest ${GUEST_ID} does not start: it is being backed up while it is off: wait until that is done, or cancel it`,
  });
  await t.throwsAsync(io(0, 'write 0 64k'), { message: /lock/ });
  await close('failed');
  await t.notThrowsAsync(requireNotMarked(GUEST_ID, sources));
  await writeSome(io, content);
  t.deepEqual(differences((await backUp(host, first.content)).content, content), []);
});

test('the changes of a guest are recorded over its starts and ends', async (t) => {
  const host = await startHost(t);
  const content = contentOf(host.disks);
  let before = await backUp(host);
  for (let round = 0; round < 2; round += 1) {
    const guest = await startLiveGuest(t, host, host.disks);
    await writeSome(guest.io, content);
    await guest.stop();
    await writeSome(offIo(host.disks), content);
    before = await backUp(host, before.content);
    t.deepEqual(before.whole, [undefined, undefined]);
    t.deepEqual(differences(before.content, content), []);
  }
});

test('reads everything, and says so, after QEMU was killed', async (t) => {
  const host = await startHost(t);
  const guest = await startLiveGuest(t, host, host.disks);
  await backUp(host);
  await guest.kill();
  const off = await backUp(host);
  t.deepEqual(off.whole, [KILLED, KILLED]);
  const next = await startLiveGuest(t, host, host.disks);
  t.deepEqual((await backUp(host)).whole, [undefined, undefined]);
  await next.kill();
  const last = await startLiveGuest(t, host, host.disks);
  t.deepEqual((await backUp(host)).whole, [KILLED, KILLED]);
  await last.stop();
});

for (const [how, end, whole] of [
  ['is killed', 'kill', KILLED],
  ['ends', 'stop', undefined],
] as const)
  test(`a backup fails when the guest's QEMU ${how} meanwhile, and is in nobody's way`, async (t) => {
    const host = await startHost(t);
    const content = contentOf(host.disks);
    const guest = await startLiveGuest(t, host, host.disks);
    const first = await backUp(host);
    await writeSome(guest.io, content);
    const { source, close } = await openTestBackup(host);
    await writeSome(guest.io, content);
    for (const disk of host.disks.keys()) await guest.io(disk, 'flush');
    await guest[end]();
    const [disk] = source.disks;
    if (disk) t.false(await isReadable(host, disk));
    const again = await startLiveGuest(t, host, host.disks);
    await close('failed');
    await writeSome(again.io, content);
    const next = await backUp(host, first.content);
    t.deepEqual(next.whole, [whole, whole]);
    t.deepEqual(differences(next.content, content), []);
  });

test('a full scratch file breaks the backup, and neither the guest nor the next backup', async (t) => {
  const host = await startHost(t, [{ size: 16 }], { backupScratch: 1 });
  const guest = await startLiveGuest(t, host, host.disks);
  for (let mb = 0; mb < 16; mb += 1) await guest.io(0, `write -P 6 ${mb}M 1M`);
  const first = await backUp(host);
  const { source, close } = await openTestBackup(host);
  for (let block = 0; block < 32; block += 1) await guest.io(0, `write -P 7 ${block * BLOCK} ${BLOCK}`);
  for (let mb = 2; mb < 16; mb += 1) await guest.io(0, `write -P 7 ${mb}M 1M`);
  const [disk] = source.disks;
  if (disk) t.false(await isReadable(host, disk));
  t.regex(
    (await close('failed')).message ?? '',
    /^the guest has overwritten more of disk 0 than the 1 MB of its/,
  );
  t.deepEqual(await backupNodes(guest), []);
  const next = await backUp(host, first.content);
  t.deepEqual(next.whole, [undefined]);
  t.deepEqual(differences(next.content, [Buffer.alloc(16 * MB, 7)]), []);
});

test('rejects a backup whose scratch files have no room, before anything changes', async (t) => {
  const host = await startHost(t, [{ size: 2 ** 25 }], { backupScratch: 2 ** 25 });
  const guest = await startLiveGuest(t, host, host.disks);
  for (const attempt of [checkTestBackup, openTestBackup] as const)
    await t.throwsAsync<Error>(attempt(host), { message: /may need \d+ MB for what the guest overwrites/ });
  t.deepEqual(await backupNodes(guest), []);
});

test('says whether a guest could be backed up, and changes nothing', async (t) => {
  const host = await startHost(t);
  const files = () => readdir(dirname(host.disks[0]?.source ?? ''));
  const before = await files();
  t.deepEqual(await checkTestBackup(host), { guest: { id: GUEST_ID } } as never);
  const holder = await holdDisk(t, host.disks[1]?.source ?? '');
  await t.throwsAsync(checkTestBackup(host), { message: new RegExp(`disk-1 is open by .*${holder.pid}`) });
  await holder.stop();
  const guest = await startLiveGuest(t, host, host.disks);
  await checkTestBackup(host);
  t.deepEqual(await backupNodes(guest), []);
  t.deepEqual(await files(), before);
  await guest.stop();
  const other = randomUUID();
  await t.throwsAsync(
    host.call('CheckOpenBackup', { guest: { id: other }, action: 'createBackup', backup: randomUUID() }),
    { message: `guest ${other}: not found` },
  );
});

test('snapshots go on beside lists of changed blocks, and a rollback costs them', async (t) => {
  const host = await startHost(t);
  const { call } = host;
  const content = contentOf(host.disks);
  const guest = await startLiveGuest(t, host, host.disks);
  await backUp(host);
  await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's1' }));
  await writeSome(guest.io, content);
  await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's2' }));
  await call('DeleteSnapshot', snapshotRequest(`${GUEST}@s2`));
  await guest.stop();
  await call('RollbackSnapshot', snapshotRequest(`${GUEST}@s1`));
  const reason = 'the guest was rolled back to snapshot s1 since the last backup';
  const next = await backUp(host);
  t.deepEqual(next.whole, [reason, reason]);
  t.deepEqual(differences(next.content, contentOf(host.disks)), []);
  t.deepEqual((await backUp(host, next.content)).whole, [undefined, undefined]);
});

test('a disk that grows is read whole once', async (t) => {
  const host = await startHost(t);
  const guest = await startLiveGuest(t, host, host.disks);
  await backUp(host);
  const request = { guest: { id: GUEST_ID, disks: host.disks }, action: 'changeDisk' };
  await host.call('GrowDisk', { ...request, change: { disk: 1, size: 8 } });
  t.deepEqual((await backUp(host)).whole, [undefined, 'the disk has another size than at the last backup']);
  await guest.stop();
  await host.call('GrowDisk', { ...request, change: { disk: 0, size: 8 } });
  t.deepEqual((await backUp(host)).whole, ['the disk has another size than at the last backup', undefined]);
});

test('rejects what cannot be done while a running guest is backed up', async (t) => {
  const host = await startHost(t);
  const { call } = host;
  await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's1' }));
  const guest = await startLiveGuest(t, host, host.disks);
  const { backup, close } = await openTestBackup(host);
  const refusal = {
    message: `guest ${GUEST_ID} is being backed up (backup ${backup}): wait until that is done, or cancel it`,
  };
  const request = { guest: { id: GUEST_ID, disks: host.disks }, action: 'changeDisk' };
  await t.throwsAsync(call('CreateSnapshot', snapshotRequest(GUEST, { dest: 's2' })), refusal);
  await t.throwsAsync(call('DeleteSnapshot', snapshotRequest(`${GUEST}@s1`)), refusal);
  await t.throwsAsync(call('GrowDisk', { ...request, change: { disk: 1, size: 8 } }), refusal);
  await t.throwsAsync(call('CheckRemoveDisk', { ...request, change: { disk: 1 } }), refusal);
  const clone = (change: object) =>
    call('CheckCloneGuestDisks', {
      ...{ guest: { id: randomUUID(), disks: host.disks }, action: 'clone' },
      change: { source: GUEST_ID, linked: false, tpm: 'fresh', ...change },
    });
  await t.throwsAsync(clone({}), refusal);
  await t.notThrowsAsync(clone({ snapshot: 's1' }));
  await t.throwsAsync(clone({ snapshot: 's1', tpm: 'copy' }), { message: /its TPM may change/ });
  await guest.stop();
  await call('RollbackSnapshot', snapshotRequest(`${GUEST}@s1`));
  await close('failed');
});

test('a guest whose backup is open can be deleted', async (t) => {
  const host = await startHost(t);
  const { source, close } = await openTestBackup(host);
  await host.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
  const [disk] = source.disks;
  if (disk) t.false(await isReadable(host, disk));
  await close();
  t.deepEqual(await readdir(join(host.dir, 'guests')), []);
  t.deepEqual(await readdir(join(host.dir, 'backups')), []);
});

test('works with disks on all buses', async (t) => {
  const buses = ['virtio', 'scsi', 'sata', 'ide'];
  const host = await startHost(
    t,
    buses.map((bus) => ({ bus, size: 1 })),
  );
  const guest = await startLiveGuest(t, host, host.disks);
  const content = contentOf(host.disks);
  let before = await backUp(host);
  for (let round = 0; round < 2; round += 1) {
    await writeSome(guest.io, content, 2);
    before = await backUp(host, before.content);
    t.deepEqual(differences(before.content, content), []);
  }
});

test('copies UEFI variables and the state of a TPM at that instant, of a guest that runs on', async (t) => {
  const host = await startHost(t, [{ size: 1 }]);
  const dir = dirname(host.disks[0]?.source ?? '');
  const nvram = join(dir, 'nvram.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', nvram, '540672']);
  await mkdir(join(dir, 'tpm'));
  await writeFile(join(dir, 'tpm', 'tpm2-00.permall'), 'state');
  const guest = await startLiveGuest(t, host, host.disks, nvram);
  await guest.ask('cont');
  const { source, close } = await openTestBackup(host);
  t.is((await guest.ask<{ status: string }>('query-status')).status, 'running');
  t.deepEqual(
    source.files.map(({ name }) => name),
    ['nvram.qcow2', 'tpm/tpm2-00.permall'],
  );
  t.is(await readFile(source.files[1]?.path ?? '', 'utf8'), 'state');
  await close();
});

test('opening and closing may be repeated', async (t) => {
  const host = await startHost(t);
  const guest = await startLiveGuest(t, host, host.disks);
  const content = contentOf(host.disks);
  const backup = randomUUID();
  const one = await openTestBackup(host, backup);
  const other = await openTestBackup(host, backup);
  t.deepEqual(other.source, one.source);
  await one.close();
  await other.close();
  await writeSome(guest.io, content);
  const { source, close } = await openTestBackup(host);
  t.is(source.disks[0]?.since, backup);
  // Another backup takes the place of one that nobody has closed.
  const third = await openTestBackup(host);
  t.is(third.source.disks[0]?.since, backup);
  await close();
  const [disk] = third.source.disks;
  if (disk) t.deepEqual(differences([await readWhole(host.scratch, disk)], content.slice(0, 1)), []);
  await third.close();
});

test('does not serve a disk whose header was changed to name another file', async (t) => {
  const host = await startHost(t, [{ size: 1 }]);
  const { source } = host.disks[0] ?? { source: '' };
  await execa('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', source]);
  await t.throwsAsync(openTestBackup(host), {
    message: /its header was changed to name the backing file "\/etc\/passwd"/,
  });
  await t.notThrowsAsync(requireNotMarked(GUEST_ID, [source]));
});
