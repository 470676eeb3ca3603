import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Snapshot } from '../../../../lib/model/snapshot.js';
import type { Backend } from '../../../helpers/backends.js';
import { exportTo, openExport, unpackTo } from '../../../helpers/exports.js';
import { startGuestAgent } from '../../../helpers/guest-agent.js';
import { startLiveGuest } from '../../../helpers/live-guest.js';
import {
  addImage,
  createGuest,
  qemuIo,
  snapshotRequest,
  type TestStorage,
} from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { until } from '../../../helpers/wait.js';

const GUEST = `guests/${GUEST_ID}`;
const MB = 2 ** 20;

/** Exports of guests, for every back end. */
export const exportSuite = (backend: Backend): void => {
  const { test } = backend;

  const snapshots = async ({ call }: TestStorage): Promise<Snapshot[]> =>
    (await call('ListSnapshots', snapshotRequest(GUEST))).snapshots;

  const noSnapshots = (storage: TestStorage): Promise<unknown> =>
    until('its snapshot is removed', async () => (await snapshots(storage)).length === 0);

  test('exports all disks, UEFI variables and the state of a TPM, each with its sum', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x11);
    const disks = await createGuest(storage, [{ image: 'os', size: 3 }, { size: 200 }]);
    const [first = '', second = ''] = disks.map(({ source }) => source);
    await backend.io(second, 'write -P 0x22 150M 1M');
    const dir = dirname(backend.source(storage, 0).replace(/\/disk-0\/disk$/, '/disk-0'));
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', join(dir, 'nvram.qcow2'), '528k']);
    await qemuIo(join(dir, 'nvram.qcow2'), 'write -P 0x33 64k 64k');
    await mkdir(join(dir, 'tpm'));
    await writeFile(join(dir, 'tpm', 'tpm2-00.permall'), 'state');
    const unpacked = await unpackTo(t, await exportTo(t, storage, { memory: 512, disks }));
    await execa('sha256sum', ['--quiet', '--strict', '-c', 'SHA256SUMS'], { cwd: unpacked });
    const manifest = JSON.parse(await readFile(join(unpacked, 'mistify-export.json'), 'utf8'));
    t.like(manifest, {
      ...{ format: 'mistify-guest-export', version: 1, consistency: 'crash' },
      guest: { id: GUEST_ID, memory: 512 },
      disks: [
        { file: 'disk-0.qcow2', number: 0, bus: 'virtio', size: 3 * MB },
        { file: 'disk-1.qcow2', number: 1, bus: 'virtio', size: 200 * MB },
      ],
      files: ['nvram.qcow2', 'tpm/tpm2-00.permall'],
    });
    t.is(await readFile(join(unpacked, 'tpm', 'tpm2-00.permall'), 'utf8'), 'state');
    await t.notThrowsAsync(qemuIo(join(unpacked, 'nvram.qcow2'), 'read -P 0x33 64k 64k'));
    for (const [name, source] of [
      ['disk-0.qcow2', first],
      ['disk-1.qcow2', second],
    ] as const) {
      const format = source.endsWith('.qcow2') ? 'qcow2' : 'raw';
      await execa('qemu-img', ['check', '-q', '-f', 'qcow2', join(unpacked, name)]);
      await execa('qemu-img', ['compare', '-q', '-f', format, '-F', 'qcow2', source, join(unpacked, name)]);
    }
    const { stdout } = await execa('stat', ['-c', '%s', join(unpacked, 'disk-1.qcow2')]);
    t.true(Number(stdout) < 2 * MB, `${stdout} bytes for 1 MB of data`);
    await noSnapshots(storage);
    t.deepEqual(await readdir(join(storage.dir, 'exports')), []);
  });

  test('exports a running guest at one moment, frozen by its agent, while it writes on', async (t) => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 32 }, { size: 1 }]);
    const { io } = await startLiveGuest(t, storage, disks);
    await io(0, 'write -P 0x22 0 32M');
    const { commands } = await startGuestAgent(t, join(storage.runDir, GUEST_ID, 'qga.sock'), {
      'guest-fsfreeze-freeze': () => 1,
      'guest-fsfreeze-thaw': () => 1,
    });
    const response = await openExport(storage, { disks });
    await io(0, 'write -P 0x44 0 32M');
    await io(1, 'write -P 0x44 0 1M');
    const unpacked = join(storage.runDir, 'unpacked');
    await mkdir(unpacked);
    await execa('tar', ['-x', '--zstd', '-C', unpacked], { input: response });
    t.deepEqual(commands.slice(1), ['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']);
    await t.notThrowsAsync(qemuIo(join(unpacked, 'disk-0.qcow2'), 'read -P 0x22 0 32M'));
    await t.notThrowsAsync(qemuIo(join(unpacked, 'disk-1.qcow2'), 'read -P 0 0 1M'));
    const manifest = JSON.parse(await readFile(join(unpacked, 'mistify-export.json'), 'utf8'));
    t.is(manifest.consistency, 'filesystem');
    await noSnapshots(storage);
  });

  test('removes the snapshot of an export whose client disconnects, and waits for a client that does not read', async (t) => {
    const storage = await backend.start(t);
    const [disk] = await createGuest(storage, [{ size: 64 }]);
    const noise = join(storage.importDir, 'noise');
    await writeFile(noise, randomBytes(64 * MB));
    await backend.io(disk?.source ?? '', `write -s ${noise} 0 64M`);
    const response = await openExport(storage);
    const before = process.memoryUsage().rss;
    await delay(1000);
    t.true(process.memoryUsage().rss - before < 64 * MB);
    t.is((await snapshots(storage)).length, 1);
    response.destroy();
    await noSnapshots(storage);
    t.is(await backend.readers(storage, disk?.source ?? ''), 0);
  });

  test('removes at its next start the snapshot that a killed storage left', async (t) => {
    const storage = await backend.start(t);
    await createGuest(storage, [{ size: 1 }, { size: 1 }]);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'export-0011aabb' }));
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'mine' }));
    await writeFile(join(storage.dir, 'exports', `${GUEST_ID}@export-0011aabb`), '');
    const again = await backend.startAgain(t, storage);
    await until('it is removed', async () => (await snapshots(again)).length === 2);
    const records = (): Promise<string[]> => readdir(join(storage.dir, 'exports'));
    await until('so is its record', async () => (await records()).length === 0);
    t.deepEqual(
      (await snapshots(again)).map(({ id }) => id),
      [`${GUEST}/disk-0@mine`, `${GUEST}/disk-1@mine`],
    );
  });

  test('says why a guest cannot be exported', async (t) => {
    const storage = await backend.start(t);
    await t.throwsAsync(exportTo(t, storage), { message: `guest ${GUEST_ID}: not found` });
  });
};
