import test from 'ava';
import { clonedGuest, identityNote } from '../../../lib/model/cloned-guest.js';
import { type Guest, normalizeGuest } from '../../../lib/model/guest.js';

const ID = '11111111-2222-4333-8444-555555555555';

const disk = { device: 'vda', volume: 'guests/x/disk-0', source: '/x', serial: 'disk0-x' };

const SOURCE: Guest = normalizeGuest({
  id: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10',
  ...{ state: 'running', vnc: 5900, memory: 512, cpu: 2, cpuModel: 'max', template: true, tags: ['web'] },
  machine: { type: 'pc-q35-7.2', layout: 2, firmware: 'uefi', tpm: true, sockets: 1, threads: 1 },
  nics: [
    {
      ...{
        name: 'net0',
        network: 'br0',
        model: 'virtio',
        mac: '52:54:00:12:34:56',
        device: 'mt0',
        vlans: [10],
      },
      ...{ address: '192.0.2.10', netmask: '255.255.255.0', gateway: '192.0.2.1' },
    },
  ],
  disks: [
    { ...disk, bus: 'virtio', size: 10, image: 'os', number: 0 },
    { ...disk, bus: 'scsi', size: 20, image: '', number: 3 },
  ],
  bootOrder: ['disk3', 'cd0'],
  metadata: { name: 'web', hostname: 'web', owner: 'ops', 'user-data': '#cloud-config' },
});

const clone = (request: Parameters<typeof clonedGuest>[1] = {}, linked = false): Guest =>
  clonedGuest(SOURCE, request, { id: ID, name: 'web-clone', linked });

test('a clone has what its source has, but for what must differ', (t) => {
  const guest = clone();
  t.like(guest, { id: ID, memory: 512, cpu: 2, cpuModel: 'max', tags: ['web'], machine: SOURCE.machine });
  for (const key of ['state', 'vnc', 'template'] as const) t.is(guest[key], undefined, key);
  t.deepEqual(guest.metadata, {
    ...{ name: 'web-clone', hostname: 'web-clone', owner: 'ops', 'user-data': '#cloud-config' },
  });
  t.deepEqual(guest.nics, [
    {
      ...{ name: 'net0', network: 'br0', model: 'virtio', vlans: [10] },
      ...{ address: '', netmask: '', gateway: '' },
    },
  ]);
});

test('numbers the disks from 0, and renames those in the boot order', (t) => {
  const blank = { device: '', volume: '', source: '' };
  t.deepEqual(clone().disks, [
    { ...blank, bus: 'virtio', size: 10, image: 'os' },
    { ...blank, bus: 'scsi', size: 20, image: '' },
  ]);
  t.deepEqual(clone().bootOrder, ['disk1', 'cd0']);
  t.deepEqual(
    clone({}, true).disks?.map(({ image }) => image),
    ['', ''],
  );
});

test('a request overrides what the source has, and removes metadata with null', (t) => {
  const guest = clone({ memory: 1024, tags: [], metadata: { owner: null, rack: 'r1', hostname: 'other' } });
  t.is(guest.memory, 1024);
  t.is(guest.tags, undefined);
  t.like(guest.metadata, { rack: 'r1', hostname: 'other', owner: undefined });
});

test('a name that is no host name gives the host name of a guest without one', (t) => {
  const guest = clonedGuest(SOURCE, {}, { id: ID, name: 'web (copy)', linked: false });
  t.is(guest.metadata?.hostname, 'guest-11111111');
});

test('a reset gives a clone a seed, and cloud-init a new machine-id to make', (t) => {
  const plain = normalizeGuest({ id: SOURCE.id, metadata: { name: 'web' } });
  const identity = { id: ID, name: 'web-clone', linked: false };
  t.is(clonedGuest(plain, {}, identity).metadata?.hostname, undefined);
  const keys = clonedGuest(plain, { reset: ['ssh-host-keys'] }, identity);
  t.deepEqual(keys.metadata, { name: 'web-clone', hostname: 'web-clone' });
  const both = clonedGuest(plain, { reset: ['ssh-host-keys', 'machine-id'] }, identity);
  t.regex(both.metadata?.['vendor-data'] ?? '', /^#cloud-config\nbootcmd:/);
  const own = normalizeGuest({ ...plain, metadata: { 'vendor-data': '#cloud-config' } });
  t.throws(() => clonedGuest(own, { reset: ['machine-id'] }, identity), {
    message: /vendor-data of its own/,
  });
});

test('says what a clone shares with its source', (t) => {
  t.regex(identityNote(clone(), 'web', {}), /^cloud-init, .* makes new SSH host keys at the first start/);
  const plain = normalizeGuest({ id: ID });
  t.regex(identityNote(plain, 'web', {}), /SSH host keys and machine-id included/);
});
