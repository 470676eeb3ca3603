import test from 'ava';
import type { Nic } from '../../../../../lib/model/guest.js';
import {
  completeNics,
  generateMac,
  nicDriver,
  tapName,
  tapPrefix,
} from '../../../../../lib/subagents/shared/network/nics.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const MODELS = ['e1000', 'virtio-net-pci'];
const nic = (more: Partial<Nic> = {}): Nic => ({
  network: 'user',
  model: '',
  address: '',
  netmask: '',
  gateway: '',
  vlans: [],
  ...more,
});

test('generates a stable MAC in QEMU’s range, different for each NIC and guest', (t) => {
  t.regex(generateMac(ID, 0), /^52:54:00(:[0-9a-f]{2}){3}$/);
  t.is(generateMac(ID, 0), generateMac(ID, 0));
  t.not(generateMac(ID, 0), generateMac(ID, 1));
  t.not(generateMac(ID, 0), generateMac(ID.replace('7', '8'), 0));
});

test('keeps tap names within the kernel’s limit for every NIC', (t) => {
  t.true(tapName(ID, 31).length <= 15);
  t.true(tapName(ID, 31).startsWith(tapPrefix(ID)));
  t.not(tapName(ID, 1), tapName(ID, 11));
});

test('fills in names, models, MACs and taps', (t) => {
  const nics = completeNics(ID, [nic({ network: 'br0' }), nic({ model: 'e1000', name: 'lan' })], {
    models: MODELS,
  });
  t.like(nics[0], { name: 'net0', model: 'virtio', mac: generateMac(ID, 0), device: tapName(ID, 0) });
  t.like(nics[1], { name: 'lan', model: 'e1000', mac: generateMac(ID, 1) });
  t.is(nics[1]?.device, undefined);
});

test('ignores a device that the client names', (t) => {
  t.is(
    completeNics(ID, [nic({ network: 'br0', device: 'eth0' })], { models: MODELS })[0]?.device,
    tapName(ID, 0),
  );
  t.is(completeNics(ID, [nic({ device: 'eth0' })], { models: MODELS })[0]?.device, undefined);
});

test('keeps a given MAC, in lower case', (t) => {
  t.is(
    completeNics(ID, [nic({ mac: '52:54:00:AB:CD:EF' })], { models: MODELS })[0]?.mac,
    '52:54:00:ab:cd:ef',
  );
});

test('rejects two NICs with the same MAC or name', (t) => {
  const mac = '52:54:00:00:00:01';
  t.throws(() => completeNics(ID, [nic({ mac }), nic({ mac })], { models: MODELS }), {
    message: `NIC 1: NIC 0 already has the mac ${mac}`,
  });
  t.throws(() => completeNics(ID, [nic({ name: 'net1' }), nic()], { models: MODELS }), {
    message: 'NIC 1: NIC 0 already has the name net1',
  });
});

test('translates virtio to QEMU’s virtio-net-pci', (t) => {
  t.is(nicDriver('virtio', MODELS), 'virtio-net-pci');
  t.is(nicDriver('', MODELS), 'virtio-net-pci');
  t.is(nicDriver('e1000', MODELS), 'e1000');
  t.is(nicDriver('toString', MODELS), undefined);
});

test('treats VLAN 1 alone as no VLAN on network user, and rejects other VLANs', (t) => {
  t.notThrows(() => completeNics(ID, [nic({ vlans: [1] })], { models: MODELS }));
  for (const vlans of [[2], [1, 2]])
    t.throws(() => completeNics(ID, [nic({ vlans })], { models: MODELS }), {
      message: /network user has no VLANs/,
    });
});

/** Finds two guest ids whose first NICs get the same MAC address. */
const collidingIds = (): [string, string] => {
  const seen = new Map<string, string>();
  for (let n = 0; ; n += 1) {
    const id = `7d3c8f0e-52c1-4c29-9c58-${n.toString(16).padStart(12, '0')}`;
    const mac = generateMac(id, 0);
    const other = seen.get(mac);
    if (other !== undefined) return [other, id];
    seen.set(mac, id);
  }
};

test('never generates the MAC address of another guest on the same network', (t) => {
  const [one, two] = collidingIds();
  const taken = completeNics(one, [nic({ network: 'br0' })], { models: MODELS })[0]?.mac ?? '';
  const macOwner = (network: string, mac: string) => (network === 'br0' && mac === taken ? one : undefined);
  const macOn = (network: string) =>
    completeNics(two, [nic({ network })], { models: MODELS, macOwner })[0]?.mac;
  t.is(macOn('br1'), taken);
  t.is(macOn('user'), taken);
  t.not(macOn('br0'), taken);
  t.is(macOn('br0'), macOn('br0'));
  t.throws(
    () =>
      completeNics(two, [nic({ network: 'br0', mac: taken.toUpperCase() })], { models: MODELS, macOwner }),
    {
      message: `NIC 0: guest ${one} has the MAC ${taken.toUpperCase()} on network br0: choose another`,
    },
  );
});

test('rejects a second gateway of the same IP version', (t) => {
  const v4 = (n: number) =>
    nic({ address: `198.18.${n}.2`, netmask: '24', gateway: `198.18.${n}.1`, network: 'br0' });
  const v6 = nic({ address: 'fd00::2/64', gateway: 'fd00::1', network: 'br0' });
  t.notThrows(() => completeNics(ID, [v4(0), v6, { ...v4(1), gateway: '' }], { models: MODELS }));
  t.throws(() => completeNics(ID, [v4(0), v6, v4(1)], { models: MODELS }), {
    message: /^NIC 2: NIC 0 already has an IPv4 gateway: .* leave one of them out$/,
  });
  t.throws(() => completeNics(ID, [v6, { ...v6, address: 'fd00::3/64' }], { models: MODELS }), {
    message: /^NIC 1: NIC 0 already has an IPv6 gateway/,
  });
});
