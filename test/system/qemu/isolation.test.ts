import { existsSync } from 'node:fs';
import { chmod, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { asUser } from '../../../lib/process/unprivileged.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { logIn } from '../../helpers/rfb.js';
import {
  addImage,
  createGuest,
  openDownload,
  qemuImg,
  snapshotRequest,
  startTestStorage,
  type TestStorage,
} from '../../helpers/storage.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G37, G40, G41.

const test = needs('qemu-system-x86_64', 'qemu-img', 'qemu-nbd', 'nbdcopy', 'setpriv', 'root');

const MB = 2 ** 20;

/** Starts both sub-agents in one directory, as the agent does. */
const startBoth = async (t: ExecutionContext): Promise<{ host: QemuHost; storage: TestStorage }> => {
  const host = await QemuHost.start(t);
  const dirs = { dir: join(host.dir, 'storage'), runDir: join(host.dir, 'run') };
  const storage = { ...(await startTestStorage(t, host.dir, dirs)), ...dirs };
  await addImage(storage, 'os', 0x11);
  return { host, storage };
};

/** Creates a running guest whose disk is a clone of the image `os`. */
const createRunning = async (host: QemuHost, storage: TestStorage): Promise<{ id: string; disk: string }> => {
  const id = host.newId();
  const disks = await createGuest(storage, [{ image: 'os' }], id);
  await host.call('Create', { id, ...TINY, disks, metadata: { hostname: 'web-1' } });
  return { id, disk: disks[0]?.source ?? '' };
};

const statusOf = async (pid: number): Promise<Record<string, string>> => {
  const lines = (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2)));
};

const uidOf = async (host: QemuHost, id: string): Promise<number> =>
  Number((await statusOf(await host.pid(id))).Uid?.split('\t')[0]);

/** Whether a command succeeds when run as a guest's user. */
const succeedsAs = async (uid: number, ...command: string[]): Promise<boolean> =>
  !(await execa('setpriv', [...asUser({ uid, gid: uid }), '--', ...command], { reject: false, cwd: '/' }))
    .failed;

/** Opens all directories but the guests' own to everyone, so that only the guests' own protect their files. */
const openDirectories = async ({ dir }: QemuHost): Promise<void> => {
  for (const name of ['.', 'run', 'qemu', 'qemu/guests', 'storage', 'storage/guests', 'storage/images'])
    await chmod(join(dir, name), 0o755);
};

test('runs QEMU as its own user, in its sandbox, without capabilities or a way to gain any', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network: 'user' }] });
  const status = await statusOf(await host.pid(id));
  const uid = Number(status.Uid?.split('\t')[0]);
  t.true(uid >= 2_000_000_000);
  t.is(status.Uid, Array(4).fill(uid).join('\t'));
  t.is(status.Gid, Array(4).fill(uid).join('\t'));
  t.is(status.Groups?.trim(), '');
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    t.is(Number(`0x${status[set]}`), 0, set);
  t.is(status.NoNewPrivs, '1');
  t.is(status.Seccomp, '2');
  t.is(await readFile(`/proc/${await host.pid(id)}/environ`, 'utf8'), `PATH=${process.env.PATH}\0`);
});

test('gives each guest a user of its own, even across a restart of the sub-agent', async (t) => {
  const host = await QemuHost.start(t);
  const [one, other] = [host.newId(), host.newId()];
  await host.call('Create', { id: one, ...TINY });
  await host.call('Create', { id: other, ...TINY });
  const uid = await uidOf(host, one);
  t.not(await uidOf(host, other), uid);
  await host.call('Poweroff', { id: one });
  await host.stop();
  await host.launch();
  const third = host.newId();
  await host.call('Create', { id: third, ...TINY });
  await host.call('Run', { id: one });
  t.is(await uidOf(host, one), uid);
  t.false([uid, await uidOf(host, other)].includes(await uidOf(host, third)));
});

test('denies a guest’s user every file of another guest, even when the directories above are open', async (t) => {
  const { host, storage } = await startBoth(t);
  const [mine, foreign] = [await createRunning(host, storage), await createRunning(host, storage)];
  const uid = await uidOf(host, mine.id);
  await openDirectories(host);
  const files = (await readdir(host.runFile(foreign.id))).map((name) => host.runFile(foreign.id, name));
  files.push(
    ...['guest.json', 'seed.iso', 'serial.log', 'qemu.log'].map((name) => host.stateFile(foreign.id, name)),
  );
  for (const path of [...files, foreign.disk]) {
    t.true(existsSync(path), path);
    t.false(await succeedsAs(uid, 'test', '-r', path, '-o', '-w', path), path);
  }
  t.true(await succeedsAs(uid, 'test', '-w', host.runFile(mine.id, 'qmp.sock')), 'its own socket');
  const image = join(storage.dir, 'images', 'os.qcow2');
  t.true(await succeedsAs(uid, 'test', '-r', image));
  t.false(await succeedsAs(uid, 'test', '-w', image));
});

test('denies a guest’s user all directories of the sub-agents', async (t) => {
  const { host, storage } = await startBoth(t);
  const { id } = await createRunning(host, storage);
  const uid = await uidOf(host, id);
  await chmod(host.dir, 0o755);
  for (const name of ['run', 'qemu', 'storage'])
    t.false(await succeedsAs(uid, 'ls', join(host.dir, name)), name);
  t.false(await succeedsAs(uid, 'test', '-e', join(storage.dir, 'images', 'os.qcow2')));
});

test('keeps a guest’s user from creating or removing files that the sub-agents read', async (t) => {
  const { host, storage } = await startBoth(t);
  const { id, disk } = await createRunning(host, storage);
  const uid = await uidOf(host, id);
  await openDirectories(host);
  t.is((await stat(disk)).uid, uid);
  t.is((await stat(disk)).gid, uid);
  t.is((await stat(disk)).mode & 0o777, 0o660);
  for (const directory of [host.runFile(id), host.stateFile(id), join(disk, '..')]) {
    t.false(await succeedsAs(uid, 'touch', join(directory, 'new')), directory);
  }
  t.false(await succeedsAs(uid, 'rm', '-f', host.runFile(id, 'qmp.sock')));
  t.is((await stat(host.stateFile(id, 'serial.log'))).uid, 0);
});

test('takes, downloads and rolls back snapshots of a disk owned by its guest’s user', async (t) => {
  const { host, storage } = await startBoth(t);
  const { id } = await createRunning(host, storage);
  await storage.call('CreateSnapshot', snapshotRequest(`guests/${id}`, { dest: 'live' }));
  const bytes = await buffer(await openDownload(storage.port, `guests/${id}@live`));
  t.true(bytes.equals(Buffer.alloc(MB, 0x11)));
  await host.call('Poweroff', { id });
  await storage.call('CreateSnapshot', snapshotRequest(`guests/${id}`, { dest: 'off' }));
  const destroyMoreRecent = true;
  await storage.call('RollbackSnapshot', snapshotRequest(`guests/${id}@live`, { destroyMoreRecent }));
  await storage.call('VerifyDisks', { guest: { id } });
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

/** Asserts that every operation that opens a disk fails with `message`. */
const assertAllReject = async (
  t: ExecutionContext,
  both: { host: QemuHost; storage: TestStorage },
  id: string,
  message: RegExp,
) => {
  const { host, storage } = both;
  const snapshot = snapshotRequest(`guests/${id}@one`);
  await t.throwsAsync(host.call('Run', { id }), { message });
  await t.throwsAsync(storage.call('RollbackSnapshot', snapshot), { message });
  await t.throwsAsync(storage.call('DeleteSnapshot', snapshot), { message });
  await t.throwsAsync(storage.call('ListSnapshots', snapshotRequest(`guests/${id}`)), { message });
  await t.throwsAsync(storage.call('VerifyDisks', { guest: { id } }), { message });
  const download = await openDownload(storage.port, `guests/${id}@one`);
  t.is(download.statusCode, 500);
  t.regex((await buffer(download)).toString(), message);
};

test('rejects every use of a disk whose header names another backing file', async (t) => {
  const both = await startBoth(t);
  const { host, storage } = both;
  const [mine, foreign] = [await createRunning(host, storage), await createRunning(host, storage)];
  await storage.call('CreateSnapshot', snapshotRequest(`guests/${mine.id}`, { dest: 'one' }));
  await host.call('Poweroff', { id: mine.id });
  for (const path of [foreign.disk, '/etc/shadow']) {
    await qemuImg('rebase', '-u', '-f', 'qcow2', '-F', 'raw', '-b', path, mine.disk);
    await assertAllReject(
      t,
      both,
      mine.id,
      new RegExp(`its header was changed to name the backing file .*${path}`),
    );
  }
});

test('rejects every use of a disk whose header names an external data file', async (t) => {
  const both = await startBoth(t);
  const { id, disk } = await createRunning(both.host, both.storage);
  await both.storage.call('CreateSnapshot', snapshotRequest(`guests/${id}`, { dest: 'one' }));
  await both.host.call('Poweroff', { id });
  const file = await open(disk, 'r+');
  // Bit 2 of the incompatible features, in their last byte.
  await file.write(Buffer.of(4), 0, 1, 79);
  await file.close();
  await assertAllReject(t, both, id, /its header was changed to name an external data file/);
});

test('requires a VNC password that only root can read and that changes at every start', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const port = (await host.call('Create', { id, ...TINY })).guest.vnc ?? 0;
  const file = host.runFile(id, 'vnc-password');
  const password = await readFile(file, 'utf8');
  t.is(password.length, 8);
  const { mode, uid } = await stat(file);
  t.deepEqual([mode & 0o777, uid], [0o600, 0]);
  t.deepEqual(await logIn(port, ''), { securityTypes: [2], accepted: false });
  t.deepEqual(await logIn(port, password), { securityTypes: [2], accepted: true });
  await host.call('Poweroff', { id });
  t.false(existsSync(file));
  await host.call('Run', { id });
  t.not(await readFile(file, 'utf8'), password);
});

test('kills a QEMU that was still coming up when the sub-agent was killed', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  await host.stop();
  await execa('rm', [host.runFile(id, 'pid')]);
  await host.launch();
  await until('it has exited', () => !existsSync(`/proc/${pid}/exe`));
  t.is((await host.streamedState(id))?.state, 'shutoff');
  t.is((await host.call('Run', { id })).guest.state, 'running');
});
