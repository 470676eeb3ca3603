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

test('stores what the stage changed', (t) => {
  const returned = { ...sent, state: 'paused', disks: [{ ...disk, source: '/s' }] };
  t.deepEqual(mergeGuest(sent, returned, sent), returned);
});

test('keeps a field that the response omits', (t) => {
  t.deepEqual(mergeGuest(sent, { id }, sent), sent);
});

test('removes a field that the response empties', (t) => {
  const returned = { id, vnc: 0, nics: [], disks: null, memory: null, state: '' };
  t.deepEqual(mergeGuest(sent, returned, sent), { id, cpu: 1, metadata: { owner: 'ops', note: 'x' } });
});

test('keeps a field that changed meanwhile when the stage returns it as it was sent', (t) => {
  const current = { ...sent, state: 'paused', memory: 256 };
  t.deepEqual(mergeGuest(sent, { ...sent, vnc: 5902 }, current), { ...current, vnc: 5902 });
});

test('applies the latest state even when it equals the one sent', (t) => {
  const { vnc: _, ...current } = { ...sent, state: 'shutoff', memory: 256 };
  t.deepEqual(mergeGuest(sent, sent, current, { isLatest: true }), { ...sent, memory: 256 });
  const off = { ...sent, state: 'shutoff', vnc: 0 };
  const { vnc: __, ...wasOff } = { ...sent, state: 'shutoff' };
  t.deepEqual(mergeGuest(wasOff, off, sent, { isLatest: true }), wasOff);
});

test('does not restore a field that was removed meanwhile', (t) => {
  const { vnc: _, ...current } = sent;
  t.deepEqual(mergeGuest(sent, sent, current), current);
});

test('keeps metadata that was set, changed or removed meanwhile', (t) => {
  const current = { ...sent, metadata: { owner: 'dev', added: '1' } };
  t.deepEqual(mergeGuest(sent, sent, current).metadata, { owner: 'dev', added: '1' });
});

test('lets a stage set, change and remove metadata keys', (t) => {
  const returned = { id, metadata: { owner: '', note: 'y', host: 'h1' } };
  t.deepEqual(mergeGuest(sent, returned, sent).metadata, { note: 'y', host: 'h1' });
});

test('keeps all metadata when the response has null', (t) => {
  t.deepEqual(mergeGuest(sent, { id, metadata: null }, sent).metadata, sent.metadata);
});

test('ignores another id and unknown keys', (t) => {
  const returned = { id: 'another', state: 'paused', extra: 1 };
  t.deepEqual(mergeGuest(sent, returned, sent), { ...sent, state: 'paused' });
});

test('fills in the keys that a returned NIC omits', (t) => {
  const nics = [{ network: 'br0', model: 'e1000', device: 'tap0' }];
  const returned = { id, nics } as unknown as Guest;
  t.deepEqual(mergeGuest(sent, returned, sent).nics, [{ ...nic, model: 'e1000', device: 'tap0' }]);
});

test('takes a reason with its state, and drops it with the next state of a sub-agent that knows no reasons', (t) => {
  const off = mergeGuest(sent, { id, state: 'shutoff', reason: 'killed' }, sent);
  t.like(off, { state: 'shutoff', reason: 'killed' });
  t.false('reason' in mergeGuest(off, { id, state: 'running' }, off));
  t.is(mergeGuest(off, { id, memory: 64 }, off).reason, 'killed');
  t.is(mergeGuest(off, off, off).reason, 'killed');
});
