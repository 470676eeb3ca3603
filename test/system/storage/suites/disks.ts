import { rm } from 'node:fs/promises';
import type { Backend } from '../../../helpers/backends.js';
import { addImage, createGuest, snapshotRequest } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { until } from '../../../helpers/wait.js';

const OTHER_ID = '0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01';

/** Guests' disks, for every back end. */
export const disksSuite = (backend: Backend): void => {
  const { test } = backend;

  test('creates disks from an image, grown from an image, and blank', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x33);
    const disks = await createGuest(storage, [{ image: 'os' }, { image: 'os', size: 5 }, { size: 2 }]);
    const sources = disks.map(({ source }) => source);
    const common = { bus: 'virtio' };
    t.deepEqual(
      disks,
      [
        { ...common, device: 'vda', size: 1, image: 'os' },
        { ...common, device: 'vdb', size: 5, image: 'os' },
        { ...common, device: 'vdc', size: 2, image: '' },
      ].map((disk, n) => ({
        ...disk,
        volume: `guests/${GUEST_ID}/disk-${n}`,
        source: backend.source(storage, n),
      })),
    );
    await t.notThrowsAsync(backend.io(sources[0] ?? '', 'read -P 0x33 0 1M'));
    await t.notThrowsAsync(backend.io(sources[1] ?? '', 'read -P 0x33 0 1M'));
    await t.notThrowsAsync(backend.io(sources[1] ?? '', 'read -P 0 1M 4M'));
    await t.notThrowsAsync(backend.io(sources[2] ?? '', 'read -P 0 0 2M'));
  });

  test("creates one disk from a guest's image, and writes to the disk leave the image unchanged", async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x33);
    const { guest } = await storage.call('CreateGuestDisks', { guest: { id: GUEST_ID, image: 'os' } });
    t.is(guest.disks.length, 1);
    await backend.io(guest.disks[0]?.source ?? '', 'write -P 0x44 0 1M');
    await t.notThrowsAsync(backend.imageIo(storage, 'os', 'read -P 0x33 0 1M'));
  });

  test('clones the image beside the disks for the first disk', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x33);
    const disks = [{ size: 5 }, { size: 2 }];
    const { guest } = await storage.call('CreateGuestDisks', { guest: { id: GUEST_ID, image: 'os', disks } });
    const [first = '', second = ''] = guest.disks.map(({ source }) => source);
    await t.notThrowsAsync(backend.io(first, 'read -P 0x33 0 1M'));
    await t.notThrowsAsync(backend.io(second, 'read -P 0 0 2M'));
  });

  test('ignores the volume and source in a request', async (t) => {
    const storage = await backend.start(t);
    const [disk] = await createGuest(storage, [{ size: 1, source: '/etc/passwd', volume: '../x' }]);
    t.is(disk?.source, backend.source(storage, 0));
    t.is(disk?.volume, `guests/${GUEST_ID}/disk-0`);
  });

  test('creates no disk when one of them cannot be created', async (t) => {
    const storage = await backend.start(t);
    await t.throwsAsync(createGuest(storage, [{ size: 1 }, { image: 'none' }]), {
      message: 'image none: no such image',
    });
    await t.throwsAsync(createGuest(storage, [{ size: 1 }, {}]), {
      message: 'disk 1: give it a size in MB or an image',
    });
    t.like(await backend.contents(storage), { guests: [], work: [] });
  });

  test('creating the same disks again keeps them and their content', async (t) => {
    const storage = await backend.start(t);
    const first = await createGuest(storage, [{ size: 1 }]);
    await backend.io(first[0]?.source ?? '', 'write -P 0x55 0 1M');
    t.deepEqual(await createGuest(storage, [{ size: 1 }]), first);
    t.deepEqual(await createGuest(storage, first), first);
    await t.notThrowsAsync(backend.io(first[0]?.source ?? '', 'read -P 0x55 0 1M'));
  });

  test('rejects disks that differ from the existing ones', async (t) => {
    const storage = await backend.start(t);
    await createGuest(storage, [{ size: 1 }]);
    await t.throwsAsync(createGuest(storage, [{ size: 2 }]), { message: /already has a different disk/ });
  });

  test('deleting disks frees their image, and succeeds without disks', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os');
    await createGuest(storage, [{ image: 'os' }]);
    await createGuest(storage, [{ size: 1 }, { image: 'os' }], OTHER_ID);
    await t.throwsAsync(storage.call('DeleteImage', { id: 'os' }), {
      message: `image os is in use by the disks of these guests: ${OTHER_ID}, ${GUEST_ID}`,
    });
    for (const id of [GUEST_ID, OTHER_ID, OTHER_ID])
      await storage.call('DeleteGuestsDisks', { guest: { id }, action: 'delete' });
    await t.notThrowsAsync(storage.call('DeleteImage', { id: 'os' }));
    t.like(await backend.contents(storage), { guests: [], work: [] });
  });

  test('reports what each disk takes: with its snapshots, without its image', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x33);
    const [written, idle] = await createGuest(storage, [{ image: 'os', size: 8 }, { image: 'os' }]);
    const use = async (): Promise<Record<string, number>> => {
      const { disks } = await storage.call('DiskUse', { guest: { id: GUEST_ID } });
      return Object.fromEntries(disks.map(({ volume, used }) => [volume, used]));
    };
    const write = async (byte: string): Promise<void> =>
      void (await backend.io(written?.source ?? '', `write -P ${byte} 0 3M`));
    /** ZFS counts what was written only with the next transaction group. */
    const takes = (name: string, volume: string | undefined, least: number): Promise<unknown> =>
      until(name, async () => ((await use())[volume ?? ''] ?? 0) >= least);
    t.deepEqual(Object.keys(await use()), [written?.volume, idle?.volume]);
    await write('0x44');
    await takes('the disk takes what was written', written?.volume, 3);
    await storage.call('CreateSnapshot', snapshotRequest(`guests/${GUEST_ID}`, { dest: 's1' }));
    await write('0x55');
    await takes('the disk takes its snapshot too', written?.volume, 6);
    t.true(((await use())[idle?.volume ?? ''] ?? 9) <= 1);
  });

  test('reports no disks for an unknown guest', async (t) => {
    const storage = await backend.start(t);
    t.deepEqual((await storage.call('DiskUse', { guest: { id: OTHER_ID } })).disks, []);
  });

  test('verifies sound disks', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os');
    const disks = await createGuest(storage, [{ image: 'os' }, { size: 1 }]);
    const guest = { id: GUEST_ID, disks };
    t.deepEqual((await storage.call('VerifyDisks', { guest })).guest, guest);
  });

  test('verification reports a missing disk', async (t) => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 1 }]);
    await rm(disks[0]?.source ?? '');
    const request = { guest: { id: GUEST_ID, disks } };
    await t.throwsAsync(storage.call('VerifyDisks', request), {
      message: `disk guests/${GUEST_ID}/disk-0: not found`,
    });
    await t.throwsAsync(storage.call('VerifyDisks', { guest: { id: OTHER_ID, disks } }), {
      message: `disk 0 of guest ${OTHER_ID}: not found`,
    });
  });

  test('verification reports a damaged disk', async (t) => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 2 }]);
    const path = disks[0]?.source ?? '';
    await backend.io(path, 'write 0 1M');
    await backend.damage(path);
    await t.throwsAsync(storage.call('VerifyDisks', { guest: { id: GUEST_ID, disks } }), {
      message: backend.damageMessage,
    });
  });
};
