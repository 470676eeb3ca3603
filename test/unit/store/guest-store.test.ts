import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { applyMetadataPatch } from '../../../lib/model/metadata.js';
import { GuestStore } from '../../../lib/store/guest-store.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

/** Opens a store that is closed when the test ends. */
const openStore = async (
  t: ExecutionContext,
  ...file: Parameters<typeof GuestStore.open>
): Promise<GuestStore> => {
  const opened = await GuestStore.open(...file);
  t.teardown(() => opened.close());
  return opened;
};

const newFile = async (t: ExecutionContext): Promise<string> => join(await tempDir(t), 'guests.db');

test('keeps a guest across a restart, even metadata keys with dots and dollars', async (t) => {
  const filename = await newFile(t);
  const guest = {
    id: GUEST_ID,
    nics: [{ network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [1, 2] }],
    disks: [{ bus: 'virtio', device: 'vda', size: 8, volume: 'v', image: 'debian-12', source: '/s' }],
    state: 'running',
    memory: 128,
    cpu: 2,
    vnc: 5901,
    metadata: { 'a.b': '1', $set: '2', plain: '3', ключ: 'значение' },
  };
  t.true(await (await openStore(t, filename)).insert(guest));
  t.deepEqual((await openStore(t, filename)).get(GUEST_ID), guest);
});

test('does not insert a guest whose id is taken', async (t) => {
  const guests = await openStore(t, await newFile(t));
  t.teardown(() => guests.close());
  await guests.insert({ id: GUEST_ID, memory: 1 });
  t.false(await guests.insert({ id: GUEST_ID, memory: 2 }));
  t.is(guests.get(GUEST_ID).memory, 1);
});

test('throws not_found for an unknown guest', async (t) => {
  const guests = await openStore(t, await newFile(t));
  t.teardown(() => guests.close());
  const expected = { message: `guest ${GUEST_ID}: not found` };
  t.like(
    t.throws(() => guests.get(GUEST_ID), expected),
    { kind: 'not_found' },
  );
  t.like(
    await t.throwsAsync(
      guests.update(GUEST_ID, (guest) => guest),
      expected,
    ),
    { kind: 'not_found' },
  );
  t.is(guests.find(GUEST_ID), undefined);
});

test('does not bring a removed guest back after a restart', async (t) => {
  const filename = await newFile(t);
  const guests = await openStore(t, filename);
  t.teardown(() => guests.close());
  await guests.insert({ id: GUEST_ID });
  await guests.remove(GUEST_ID);
  t.deepEqual((await openStore(t, filename)).list(), []);
});

test('patchMetadata sets keys, and removes null and empty ones', (t) => {
  const current = { keep: '1', change: '2', drop: '3', empty: '4' };
  const patched = applyMetadataPatch(current, {
    change: 'new',
    drop: null,
    empty: '',
    add: '5',
    never: null,
  });
  t.deepEqual(patched, { keep: '1', change: 'new', add: '5' });
  t.deepEqual(current, { keep: '1', change: '2', drop: '3', empty: '4' });
});

test('neither writes nor reports an update that changes nothing', async (t) => {
  const filename = await newFile(t);
  const guests = await openStore(t, filename);
  t.teardown(() => guests.close());
  await guests.insert({ id: GUEST_ID, memory: 1, nics: [] });
  const content = await readFile(filename, 'utf8');
  const changes: string[] = [];
  guests.onChange((change) => changes.push(change));
  await guests.update(GUEST_ID, (guest) => ({ ...guest, nics: [] }));
  t.is(await readFile(filename, 'utf8'), content);
  await guests.update(GUEST_ID, (guest) => ({ ...guest, memory: 2 }));
  t.deepEqual(changes, ['changed']);
});
