import { rm } from 'node:fs/promises';
import type { Backend } from '../../../helpers/backends.js';
import { addImage, createGuest } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

const OTHER_ID = '0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01';

/** What is true of guests' disks, whatever the back end. */
export const disksSuite = (backend: Backend): void => {
  const { test } = backend;

  test('disks are made from an image, grown from an image, and blank', async (t) => {
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

  test("a guest's image makes its one disk, and writing to that leaves the image as it was", async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x33);
    const { guest } = await storage.call('CreateGuestDisks', { guest: { id: GUEST_ID, image: 'os' } });
    t.is(guest.disks.length, 1);
    await backend.io(guest.disks[0]?.source ?? '', 'write -P 0x44 0 1M');
    await t.notThrowsAsync(backend.imageIo(storage, 'os', 'read -P 0x33 0 1M'));
  });

  test("a client's own volume and source are not believed", async (t) => {
    const storage = await backend.start(t);
    const [disk] = await createGuest(storage, [{ size: 1, source: '/etc/passwd', volume: '../x' }]);
    t.is(disk?.source, backend.source(storage, 0));
    t.is(disk?.volume, `guests/${GUEST_ID}/disk-0`);
  });

  test('when one disk cannot be made none is', async (t) => {
    const storage = await backend.start(t);
    await t.throwsAsync(createGuest(storage, [{ size: 1 }, { image: 'none' }]), {
      message: 'image none: no such image',
    });
    await t.throwsAsync(createGuest(storage, [{ size: 1 }, {}]), {
      message: 'disk 1: give it a size in MB or an image',
    });
    t.like(await backend.contents(storage), { guests: [], work: [] });
  });

  test('making the same disks again keeps them and their content', async (t) => {
    const storage = await backend.start(t);
    const first = await createGuest(storage, [{ size: 1 }]);
    await backend.io(first[0]?.source ?? '', 'write -P 0x55 0 1M');
    t.deepEqual(await createGuest(storage, [{ size: 1 }]), first);
    t.deepEqual(await createGuest(storage, first), first);
    await t.notThrowsAsync(backend.io(first[0]?.source ?? '', 'read -P 0x55 0 1M'));
  });

  test('other disks than those the guest has are refused', async (t) => {
    const storage = await backend.start(t);
    await createGuest(storage, [{ size: 1 }]);
    await t.throwsAsync(createGuest(storage, [{ size: 2 }]), { message: /has another one already/ });
  });

  test('deleting disks frees their image, and succeeds when there are none', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os');
    await createGuest(storage, [{ image: 'os' }]);
    await createGuest(storage, [{ size: 1 }, { image: 'os' }], OTHER_ID);
    await t.throwsAsync(storage.call('DeleteImage', { id: 'os' }), {
      message: `image os is in use: disks of these guests build on it: ${OTHER_ID}, ${GUEST_ID}`,
    });
    for (const id of [GUEST_ID, OTHER_ID, OTHER_ID])
      await storage.call('DeleteGuestsDisks', { guest: { id }, action: 'delete' });
    await t.notThrowsAsync(storage.call('DeleteImage', { id: 'os' }));
    t.like(await backend.contents(storage), { guests: [], work: [] });
  });

  test('sound disks are verified', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'os');
    const disks = await createGuest(storage, [{ image: 'os' }, { size: 1 }]);
    const guest = { id: GUEST_ID, disks };
    t.deepEqual((await storage.call('VerifyDisks', { guest })).guest, guest);
  });

  test('a missing disk is found out', async (t) => {
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

  test('a damaged disk is found out', async (t) => {
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
