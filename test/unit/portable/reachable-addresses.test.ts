import test from 'ava';
import type { Nic } from '../../../lib/model/guest.js';
import type { GuestAddress } from '../../../lib/model/guest-addresses.js';
import { reachableAddresses } from '../../../lib/portable/reachable-addresses.js';

const nic = (name: string, network: string): Nic => ({
  ...{ name, network, model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] },
});

const GUEST = { nics: [nic('net0', 'br0'), nic('net1', 'user')] };

const on = (name: string | undefined, address: string): GuestAddress => ({
  ...(name === undefined ? {} : { nic: name }),
  ...{ address, source: 'guest agent' },
});

test('takes IPv4 before IPv6, and names an address of several sources once', (t) => {
  const found = [on('net0', '2001:db8::7'), on('net0', '192.0.2.8'), on('net0', '192.0.2.7')];
  const twice: GuestAddress[] = [...found, { nic: 'net0', address: '192.0.2.8', source: 'dhcp lease' }];
  t.deepEqual(reachableAddresses(GUEST, twice), ['192.0.2.8', '192.0.2.7', '2001:db8::7']);
});

test('leaves out addresses that only the link, or only the inside of the guest, knows', (t) => {
  const found = [on('net0', 'fe80::1'), on('net0', 'febf::1'), on('net0', '169.254.1.2')];
  t.deepEqual(reachableAddresses(GUEST, [...found, on(undefined, '172.17.0.1')]), []);
});

test('leaves out addresses on network user of a virtual machine, not those that an engine gives', (t) => {
  t.deepEqual(reachableAddresses(GUEST, [on('net1', '10.0.2.15')]), []);
  const found: GuestAddress[] = [{ nic: 'net1', address: '172.17.0.2', source: 'engine' }];
  t.deepEqual(reachableAddresses({ ...GUEST, type: 'container' }, found), ['172.17.0.2']);
});
