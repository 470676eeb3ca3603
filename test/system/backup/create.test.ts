import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { restoreDisk, startTestBackup, TestGuest } from '../../helpers/backup.js';
import { sha256 } from '../../helpers/backup-disk.js';
import { needs } from '../../helpers/needs.js';
import { Random } from '../../helpers/random.js';
import { snapshotsOf } from '../../helpers/restic.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const MB = 2 ** 20;
const withRestic = needs('restic', 'qemu-nbd', 'qemu-img', 'qemu-io');

withRestic(
  'a second backup reads only what has changed, and both restore to what the disk had',
  async (t) => {
    const backup = await startTestBackup(t);
    const guest = await TestGuest.create(t, 64 * MB);
    await guest.disk.scatter(new Random(1), 100);
    const first = await guest.backUp(backup);
    const before = await guest.disk.content();
    t.is(first.backup.whole, 'it is the first backup of this guest');
    t.is(first.backup.name, 'web');
    await guest.disk.fill([3, 4], 0);
    await guest.disk.fill([900], 0x77);
    const second = await guest.backUp(backup);
    const after = await guest.disk.content();
    t.is(second.backup.whole, undefined);
    t.true(second.backup.read <= 3 * 2 ** 17, `read ${second.backup.read}`);

    t.is(await (await restoreDisk(t, backup, first.backup)).content(), before);
    const restored = await restoreDisk(t, backup, second.backup);
    t.is(await restored.content(), after);
    // A restore over other content leaves nothing of it.
    await restored.scatter(new Random(2), 50);
    await restoreDisk(t, backup, first.backup, restored);
    t.is(await restored.content(), before);

    const { backups } = await backup.call('List', { guest: GUEST_ID });
    t.deepEqual(
      backups.map(({ id }) => id),
      [first.backup.id, second.backup.id],
    );
    t.true((await backup.call('Verify', { backup: second.backup.id })).backup.verified?.ok);
    t.is((await backup.call('Get', { backup: first.backup.id })).record.metadata?.name, 'web');
  },
);

withRestic(
  'a backup of a lost bitmap reads everything, says why, and stores only what differs',
  async (t) => {
    const backup = await startTestBackup(t);
    const guest = await TestGuest.create(t, 64 * MB);
    await guest.disk.scatter(new Random(1), 200);
    const first = await guest.backUp(backup);
    await guest.disk.fill([10], 0x42);
    guest.whole = 'the list of changed blocks was lost when QEMU was killed';
    const { backup: second, message } = await guest.backUp(backup);
    t.is(second.whole, guest.whole);
    t.is(message, `everything was read: ${guest.whole}`);
    t.true(second.read >= (first.backup.read * 9) / 10);
    t.true((second.stored ?? 0) < MB, `stored ${second.stored}`);
    t.is(await (await restoreDisk(t, backup, second)).content(), await guest.disk.content());
  },
);

withRestic(
  'a first backup larger than the scratch space is stored in parts, of which none is left',
  async (t) => {
    const backup = await startTestBackup(t, { scratch: 4 });
    const guest = await TestGuest.create(t, 64 * MB);
    await guest.disk.scatter(new Random(1), 300);
    const first = await guest.backUp(backup);
    await until('the parts are gone', async () => (await snapshotsOf(backup.dir)).length === 1);
    t.is(await (await restoreDisk(t, backup, first.backup)).content(), await guest.disk.content());
    await guest.disk.fill([10], 0x42);
    const second = await guest.backUp(backup);
    t.is(second.backup.whole, undefined);
    t.is(await (await restoreDisk(t, backup, second.backup)).content(), await guest.disk.content());
  },
);

for (const [what, lose] of [
  ['its trees', (dir: string) => rm(join(dir, 'trees', GUEST_ID), { recursive: true })],
  ['all that it knows of a guest', (dir: string) => rm(join(dir, 'guests', `${GUEST_ID}.json`))],
] as const)
  withRestic(
    `a sub-agent that has lost ${what} reads it from the repository, and continues with the bitmap`,
    async (t) => {
      const parent = await tempDir(t);
      const before = await startTestBackup(t, {}, parent);
      const guest = await TestGuest.create(t, 64 * MB);
      await guest.disk.scatter(new Random(1), 100);
      await guest.backUp(before);
      await before.close();
      const state = join(before.dir, 'guests', `${GUEST_ID}.json`);
      await lose(before.dir);
      // The tree of an earlier boot of the host is not trusted.
      const text = await readFile(state, 'utf8').catch(() => '{}');
      if (text !== '{}') await writeFile(state, text.replace(/"boot": ".*"/, '"boot": "an earlier one"'));
      await guest.disk.fill([10], 0x42);
      const backup = await startTestBackup(t, {}, parent);
      const next = await guest.backUp(backup);
      t.is(next.backup.whole, undefined);
      t.true(next.backup.read <= 2 ** 17);
      t.is(await (await restoreDisk(t, backup, next.backup)).content(), await guest.disk.content());
    },
  );

withRestic('the same call again responds with the backup that it has made', async (t) => {
  const backup = await startTestBackup(t);
  const guest = await TestGuest.create(t, 8 * MB);
  await guest.disk.fill([1], 1);
  const first = await guest.backUp(backup);
  const again = await guest.backUp(backup, { id: first.backup.id, attempt: 2 });
  t.deepEqual(again.backup, first.backup);
  t.is((await backup.call('List', {})).backups.length, 1);
});

withRestic('a disk of another size is backed up as a new one', async (t) => {
  const backup = await startTestBackup(t);
  const guest = await TestGuest.create(t, 8 * MB);
  await guest.disk.scatter(new Random(1), 50);
  await guest.backUp(backup);
  await guest.disk.grow(9 * MB + 65_536);
  await guest.disk.fill([128], 0x42);
  const next = await guest.backUp(backup);
  t.is(next.backup.whole, 'its size has changed');
  t.is(next.backup.size, 9 * MB + 65_536);
  t.is(await (await restoreDisk(t, backup, next.backup)).content(), await guest.disk.content());
});

withRestic('small files are stored and restored with their sums', async (t) => {
  const backup = await startTestBackup(t);
  const guest = await TestGuest.create(t, MB);
  const dir = await tempDir(t);
  await writeFile(join(dir, 'nvram'), 'variables');
  await writeFile(join(dir, 'tpm'), 'secrets');
  const files = [
    { name: 'nvram.qcow2', path: join(dir, 'nvram') },
    { name: 'tpm/tpm2-00.permall', path: join(dir, 'tpm') },
  ];
  const first = await guest.backUp(backup, { files });
  const details = await backup.call('Get', { backup: first.backup.id });
  t.deepEqual(details.files, [{ name: 'nvram.qcow2' }, { name: 'tpm/tpm2-00.permall' }]);
  const filesDir = join(await tempDir(t), 'files');
  const target = { disks: [], filesDir };
  const request = {
    guest: { id: GUEST_ID },
    action: 'restoreBackup',
    backup: first.backup.id,
    target,
    disks: [],
  };
  await backup.call('Restore', { ...request, files: true });
  t.is(await readFile(join(filesDir, 'nvram.qcow2'), 'utf8'), 'variables');
  t.is(await readFile(join(filesDir, 'tpm/tpm2-00.permall'), 'utf8'), 'secrets');
  t.true((await backup.call('Verify', { backup: first.backup.id })).backup.verified?.ok);
  // One that is gone from the guest is gone from the next backup.
  const second = await guest.backUp(backup, { files: files.slice(0, 1) });
  t.is((await backup.call('Get', { backup: second.backup.id })).files.length, 1);
});

withRestic('a download has the raw bytes of a disk, holes included', async (t) => {
  const backup = await startTestBackup(t);
  const guest = await TestGuest.create(t, 16 * MB);
  await guest.disk.fill([5, 100, 200], 0x42);
  const first = await guest.backUp(backup);
  const response = await fetch(`http://127.0.0.1:${backup.port}/backups/download`, {
    method: 'POST',
    body: JSON.stringify({ backup: first.backup.id, disk: '0' }),
  });
  t.is(response.status, 200);
  t.is(response.headers.get('content-length'), `${16 * MB}`);
  const path = join(await tempDir(t), 'disk.raw');
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  t.is(await sha256(path), await guest.disk.content());
  const qcow2 = await fetch(`http://127.0.0.1:${backup.port}/backups/download`, {
    method: 'POST',
    body: JSON.stringify({ backup: first.backup.id, disk: '0', format: 'qcow2' }),
  });
  const content = Buffer.from(await qcow2.arrayBuffer());
  t.is(qcow2.headers.get('content-length'), `${content.length}`);
  t.true(content.length < MB + 3 * 2 ** 17, `${content.length} bytes`);
  await writeFile(`${path}.qcow2`, content);
  await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', `${path}.qcow2`, path]);
  t.is(await sha256(path), await guest.disk.content());
  const missing = await fetch(`http://127.0.0.1:${backup.port}/backups/download`, {
    method: 'POST',
    body: JSON.stringify({ backup: first.backup.id, disk: '1' }),
  });
  t.is(missing.status, 404);
});

withRestic(
  'guests back up side by side, a prune waits for them, and deleted backups free their room',
  async (t) => {
    const backup = await startTestBackup(t);
    const guests = await Promise.all(
      ['1', '2'].map((n) => TestGuest.create(t, 32 * MB, `7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b0${n}`)),
    );
    for (const [n, guest] of guests.entries()) await guest.disk.scatter(new Random(n), 100);
    const [made] = await Promise.all([
      Promise.all(guests.map((guest) => guest.backUp(backup))),
      backup.call('Prune', {}),
    ]);
    t.is((await backup.call('List', {})).backups.length, 2);
    const [first, second] = made;
    await backup.call('Delete', { backup: first?.backup.id });
    await t.throwsAsync(backup.call('Delete', { backup: first?.backup.id }), { message: /: not found$/ });
    await backup.call('Delete', { backup: first?.backup.id }, 2);
    t.regex((await backup.call('Prune', {})).message ?? '', /freed/);
    t.deepEqual(
      (await backup.call('List', {})).backups.map(({ id }) => id),
      [second?.backup.id],
    );
    t.true((await backup.call('Verify', { backup: second?.backup.id })).backup.verified?.ok);
    // A guest whose backups are all deleted starts over.
    const [guest] = guests;
    t.is((await guest?.backUp(backup))?.backup.whole, 'it is the first backup of this guest');
  },
);
