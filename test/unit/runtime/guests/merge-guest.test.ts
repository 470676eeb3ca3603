import test from 'ava';
import type { Guest } from '../../../../lib/model/guest.js';
import { mergeGuest } from '../../../../lib/runtime/guests/merge-guest.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

const id = GUEST_ID;
const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: 'debian-12', source: '' };
const nic = { network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] };
const sent: Guest = {
  id,
  state: 'running',
  memory: 128,
  cpu: 1,
  vnc: 5901,
  disks: [disk],
  nics: [nic],
  metadata: { owner: 'ops', note: 'x' },
};

test('what the stage changed is stored', (t) => {
  const answered = { ...sent, state: 'paused', disks: [{ ...disk, source: '/s' }] };
  t.deepEqual(mergeGuest(sent, answered, sent), answered);
});

test('a field that the answer lacks stays', (t) => {
  t.deepEqual(mergeGuest(sent, { id }, sent), sent);
});

test('a field that the answer has empty is removed', (t) => {
  const answered = { id, vnc: 0, nics: [], disks: null, memory: null, state: '' };
  t.deepEqual(mergeGuest(sent, answered, sent), { id, cpu: 1, metadata: { owner: 'ops', note: 'x' } });
});

test('what changed since the stage was asked, and came back as it was sent, stays as it is now', (t) => {
  const current = { ...sent, state: 'paused', memory: 256 };
  t.deepEqual(mergeGuest(sent, { ...sent, vnc: 5902 }, current), { ...current, vnc: 5902 });
});

test('a state that is the latest counts also when it is as it was sent', (t) => {
  const { vnc: _, ...current } = { ...sent, state: 'shutoff', memory: 256 };
  t.deepEqual(mergeGuest(sent, sent, current, { isLatest: true }), { ...sent, memory: 256 });
  const off = { ...sent, state: 'shutoff', vnc: 0 };
  const { vnc: __, ...wasOff } = { ...sent, state: 'shutoff' };
  t.deepEqual(mergeGuest(wasOff, off, sent, { isLatest: true }), wasOff);
});

test('what was removed since the stage was asked does not come back', (t) => {
  const { vnc: _, ...current } = sent;
  t.deepEqual(mergeGuest(sent, sent, current), current);
});

test('metadata set, changed and removed since the stage was asked survives its older copy', (t) => {
  const current = { ...sent, metadata: { owner: 'dev', added: '1' } };
  t.deepEqual(mergeGuest(sent, sent, current).metadata, { owner: 'dev', added: '1' });
});

test('a stage sets, changes and removes keys of the metadata', (t) => {
  const answered = { id, metadata: { owner: '', note: 'y', host: 'h1' } };
  t.deepEqual(mergeGuest(sent, answered, sent).metadata, { note: 'y', host: 'h1' });
});

test('null for metadata changes nothing in it', (t) => {
  t.deepEqual(mergeGuest(sent, { id, metadata: null }, sent).metadata, sent.metadata);
});

test('the id is never changed, and keys that no guest has are not stored', (t) => {
  const answered = { id: 'another', state: 'paused', extra: 1 };
  t.deepEqual(mergeGuest(sent, answered, sent), { ...sent, state: 'paused' });
});

test('a nic that is answered with less than all its keys is stored with all of them', (t) => {
  const nics = [{ network: 'br0', model: 'e1000', device: 'tap0' }];
  const answered = { id, nics } as unknown as Guest;
  t.deepEqual(mergeGuest(sent, answered, sent).nics, [{ ...nic, model: 'e1000', device: 'tap0' }]);
});
