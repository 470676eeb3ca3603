import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { guestDirOf } from '../../../../lib/subagents/shared/guest-dir.js';
import type { Backend } from '../../../helpers/backends.js';
import { startLiveGuest } from '../../../helpers/live-guest.js';
import { createGuest, qemuIo, snapshotRequest, type TestStorage } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

const GUEST = `guests/${GUEST_ID}`;
const BYTES = 540_672;

interface UefiGuest extends TestStorage {
  disks: Parameters<typeof startLiveGuest>[2];
  dir: string;
  nvram: string;
}

/** Creates a guest with two disks and, as the qemu sub-agent does, with UEFI variables beside them. */
const createUefi = async (t: ExecutionContext, backend: Backend): Promise<UefiGuest> => {
  const storage = await backend.start(t);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  const dir = (await guestDirOf(GUEST_ID, disks[0]?.source ?? '')) ?? '';
  const nvram = join(dir, 'nvram.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', nvram, String(BYTES)]);
  return { ...storage, disks, dir, nvram };
};

const snapshotsOf = async (nvram: string): Promise<string[]> => {
  const { stdout } = await execa('qemu-img', ['info', '-U', '--output=json', nvram]);
  const { snapshots = [] } = JSON.parse(stdout) as { snapshots?: { name: string }[] };
  return snapshots.map(({ name }) => name);
};

/** Snapshots of guests with UEFI, for every back end. */
export const nvramSuite = (backend: Backend): void => {
  const { test } = backend;

  test('snapshots of a guest that is off include its UEFI variables, which a rollback brings back', async (t) => {
    const { call, nvram, dir } = await createUefi(t, backend);
    await qemuIo(nvram, 'write -P 0x11 0 64k');
    const taken = await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    t.deepEqual(
      taken.snapshots.map(({ id }) => id),
      [`${GUEST}/disk-0@one`, `${GUEST}/disk-1@one`],
    );
    await qemuIo(nvram, 'write -P 0x22 0 64k');
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'two' }));
    t.deepEqual(await snapshotsOf(nvram), ['one', 'two']);
    await call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`, { destroyMoreRecent: true }));
    await t.notThrowsAsync(qemuIo(nvram, 'read -P 0x11 0 64k'));
    t.deepEqual(await snapshotsOf(nvram), ['one']);
    const generation = await readFile(join(dir, 'generation'), 'utf8');
    await call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`));
    t.not(await readFile(join(dir, 'generation'), 'utf8'), generation);
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    t.deepEqual(await snapshotsOf(nvram), []);
  });

  test('snapshots of a running guest include its UEFI variables', async (t) => {
    const guest = await createUefi(t, backend);
    const { call, nvram, disks } = guest;
    const { stop } = await startLiveGuest(t, guest, disks, nvram);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'two' }));
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    await stop();
    t.deepEqual(await snapshotsOf(nvram), ['two']);
    await qemuIo(nvram, 'write -P 0x22 0 64k');
    await call('RollbackSnapshot', snapshotRequest(`${GUEST}@two`));
    await t.notThrowsAsync(qemuIo(nvram, 'read -P 0 0 64k'));
  });

  test('variables that are younger than a snapshot, or not open in a running QEMU, do not keep a guest from one', async (t) => {
    const guest = await createUefi(t, backend);
    const { call, nvram, disks } = guest;
    const { stop } = await startLiveGuest(t, guest, disks);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await stop();
    t.deepEqual(await snapshotsOf(nvram), []);
    await call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`));
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
  });

  test('a name is free again once its snapshot was deleted disk by disk', async (t) => {
    const { call, nvram } = await createUefi(t, backend);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    for (const disk of ['0', '1']) await call('DeleteSnapshot', snapshotRequest(`${GUEST}/disk-${disk}@one`));
    t.deepEqual(await snapshotsOf(nvram), ['one']);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    t.deepEqual(await snapshotsOf(nvram), ['one']);
  });

  test('a running guest that has a BIOS by now loses a snapshot from its closed UEFI variables, too', async (t) => {
    const guest = await createUefi(t, backend);
    const { call, nvram, disks } = guest;
    for (const dest of ['one', 'two']) await call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    for (const disk of ['0', '1']) await call('DeleteSnapshot', snapshotRequest(`${GUEST}/disk-${disk}@one`));
    const { stop } = await startLiveGuest(t, guest, disks);
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@two`));
    t.deepEqual(await snapshotsOf(nvram), ['one']);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    t.deepEqual(await snapshotsOf(nvram), []);
    await stop();
    const rolledBack = await call('RollbackSnapshot', snapshotRequest(`${GUEST}@one`));
    t.is(rolledBack.message, 'the UEFI variables are not in the snapshot and stay as they are');
  });

  test('variables that are set aside keep their snapshots until those are deleted or replaced', async (t) => {
    const guest = await createUefi(t, backend);
    const { call, dir, nvram, disks } = guest;
    const aside = join(dir, 'nvram-plain.qcow2');
    for (const dest of ['one', 'two']) await call('CreateSnapshot', snapshotRequest(GUEST, { dest }));
    await rename(nvram, aside);
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', nvram, String(BYTES)]);
    const { stop } = await startLiveGuest(t, guest, disks, nvram);
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@two`));
    t.deepEqual(await snapshotsOf(aside), ['one']);
    for (const disk of ['0', '1']) await call('DeleteSnapshot', snapshotRequest(`${GUEST}/disk-${disk}@one`));
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await stop();
    t.deepEqual(await snapshotsOf(aside), []);
    t.deepEqual(await snapshotsOf(nvram), ['one']);
  });

  test('a rollback brings the disks back and leaves variables alone that the guest got after the snapshot', async (t) => {
    const guest = await createUefi(t, backend);
    const { call, dir, nvram, disks } = guest;
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'plain' }));
    await rename(nvram, join(dir, 'nvram-plain.qcow2'));
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', nvram, String(BYTES)]);
    await qemuIo(nvram, 'write -P 0x33 0 64k');
    const { io, stop } = await startLiveGuest(t, guest, disks, nvram);
    await io(0, 'write -P 0x44 0 64k');
    await stop();
    await call('RollbackSnapshot', snapshotRequest(`${GUEST}@plain`));
    await t.notThrowsAsync(qemuIo(nvram, 'read -P 0x33 0 64k'));
    const after = await startLiveGuest(t, guest, disks, nvram);
    await t.notThrowsAsync(after.io(0, 'read -P 0 0 64k'));
    await after.stop();
  });
};
