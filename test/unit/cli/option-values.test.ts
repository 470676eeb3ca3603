import test from 'ava';
import {
  addPair,
  NIC_HELP,
  parseAddress,
  parseCount,
  parseMb,
  parseNic,
} from '../../../lib/cli/option-values.js';
import { guestSpec } from '../../../lib/client/guest-spec.js';

for (const [text, mb] of [
  ['10240', 10_240],
  ['512M', 512],
  ['10G', 10_240],
  ['10 GB', 10_240],
  ['1.5g', 1536],
  ['1TiB', 1_048_576],
] as const)
  test(`parses ${text} as ${mb} MB`, (t) => {
    t.is(parseMb(text), mb);
  });

for (const text of ['', 'much', '-1', '10X', '0.3M', '1e9'])
  test(`rejects "${text}" as a size`, (t) => {
    t.throws(() => parseMb(text), { message: /Give a size/ });
  });

test('accepts only whole numbers as a count', (t) => {
  t.is(parseCount('4'), 4);
  for (const text of ['', '1.5', '-1', 'x']) t.throws(() => parseCount(text));
});

test('parses a NIC as a bridge with settings', (t) => {
  t.deepEqual(parseNic('br0'), { network: 'br0', model: 'virtio' });
  t.deepEqual(parseNic('br0,mac=52:54:00:12:34:56,model=e1000,vlan=10,vlan=20'), {
    network: 'br0',
    model: 'e1000',
    mac: '52:54:00:12:34:56',
    vlans: [10, 20],
  });
  for (const text of ['', 'mac=52:54:00:12:34:56', 'br0,speed=9', 'br0,vlan=x'])
    t.throws(() => parseNic(text));
});

test('parses a static address with its settings', (t) => {
  t.deepEqual(parseAddress('192.0.2.10/24'), { address: '192.0.2.10/24' });
  t.deepEqual(parseAddress('2001:db8::2/64,gateway=fe80::1'), {
    address: '2001:db8::2/64',
    gateway: 'fe80::1',
  });
  for (const text of ['', 'gateway=192.0.2.1', '192.0.2.10,mac=52:54:00:12:34:56'])
    t.throws(() => parseAddress(text));
});

test('the help of a NIC has every setting that is parsed', (t) => {
  const keys = [...NIC_HELP.matchAll(/^ {2}(\w+)=/gm)].map(([, key]) => key ?? '');
  t.deepEqual(keys, ['model', 'mac', 'name', 'address', 'netmask', 'gateway', 'vlan']);
  for (const key of keys) t.notThrows(() => parseNic(`br0,${key}=1`));
});

test('splits a pair at the first equals sign', (t) => {
  t.deepEqual(addPair('a=b=c', { x: 'y' }), { x: 'y', a: 'b=c' });
  for (const text of ['a', '=b', '']) t.throws(() => addPair(text));
});

test('clones the first disk from the image and leaves the others blank', (t) => {
  t.deepEqual(guestSpec({ image: 'debian-12', disk: [10_240, 512] }), {
    disks: [{ size: 10_240, image: 'debian-12' }, { size: 512 }],
  });
  t.deepEqual(guestSpec({ image: 'debian-12' }), { image: 'debian-12' });
  t.deepEqual(guestSpec({ disk: [64] }), { disks: [{ size: 64 }] });
});

test('keeps the name in the metadata', (t) => {
  t.deepEqual(guestSpec({ name: 'web', metadata: { a: 'b' }, memory: 64, cpu: 1 }), {
    memory: 64,
    cpu: 1,
    metadata: { a: 'b', name: 'web' },
  });
});

test('gives a container an image and no disks', (t) => {
  t.deepEqual(guestSpec({ container: true, image: 'busybox', disk: [1] }), {
    type: 'container',
    image: 'busybox',
  });
});
