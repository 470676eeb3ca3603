import test from 'ava';
import type { Nic } from '../../../../../lib/model/guest.js';
import {
  type InterfaceAddress,
  interfaceAddress,
} from '../../../../../lib/subagents/shared/network/addresses.js';

const read = (address: string, netmask = '', gateway = ''): InterfaceAddress | undefined => {
  const nic: Nic = { network: 'br0', model: '', address, netmask, gateway, vlans: [] };
  return interfaceAddress(nic);
};

test('combines address and netmask into an address with its prefix length', (t) => {
  t.deepEqual(read('192.0.2.10', '255.255.255.0'), { family: 4, cidr: '192.0.2.10/24' });
  t.is(read('192.0.2.10', '24')?.cidr, '192.0.2.10/24');
  t.is(read('192.0.2.10', '/24')?.cidr, '192.0.2.10/24');
  t.is(read('192.0.2.10/24')?.cidr, '192.0.2.10/24');
  t.is(read('192.0.2.10/24', '255.255.255.0')?.cidr, '192.0.2.10/24');
  t.is(read('192.0.2.0', '255.255.255.254')?.cidr, '192.0.2.0/31');
});

test('accepts IPv6 addresses, netmasks and link-local gateways', (t) => {
  t.deepEqual(read('2001:DB8::10', '64', '2001:db8::1'), {
    family: 6,
    cidr: '2001:db8::10/64',
    gateway: '2001:db8::1',
  });
  t.is(read('2001:db8::10', 'ffff:ffff:ffff:ffff::')?.cidr, '2001:db8::10/64');
  t.is(read('2001:db8::10/64', '', 'fe80::1')?.gateway, 'fe80::1');
});

test('reads a netmask as Go prints it', (t) => {
  t.is(read('192.0.2.10', 'ffffff00')?.cidr, '192.0.2.10/24');
  t.is(read('192.0.2.10', 'FFFF0000')?.cidr, '192.0.2.10/16');
  t.is(read('192.0.2.10/24', 'ffffff00')?.cidr, '192.0.2.10/24');
  t.is(read('2001:db8::10', `${'f'.repeat(16)}${'0'.repeat(16)}`)?.cidr, '2001:db8::10/64');
  for (const netmask of ['ff00ff00', '00000000', 'ffffff', 'fffffff00', 'f'.repeat(32)])
    t.throws(() => read('192.0.2.10', netmask), { message: /netmask/ }, netmask);
});

test('returns undefined for a NIC without an address', (t) => {
  t.is(read(''), undefined);
});

const rejections: [string, Parameters<typeof read>, RegExp][] = [
  ['an incomplete address', ['192.0.2', '24'], /address 192\.0\.2 is not an IP address/],
  ['a number that only some parsers accept', ['3221225994', '24'], /is not an IP address/],
  ['an octal form', ['192.0.02.010', '24'], /is not an IP address/],
  ['two slashes', ['192.0.2.1/24/24'], /is not an IP address/],
  ['an address without a netmask', ['192.0.2.1'], /address 192\.0\.2\.1 needs a netmask/],
  [
    'a netmask with holes',
    ['192.0.2.1', '255.0.255.0'],
    /netmask 255\.0\.255\.0 is invalid: give one like 255/,
  ],
  ['a netmask that is too long', ['192.0.2.1', '33'], /netmask 33 is invalid/],
  ['a netmask of the other IP version', ['2001:db8::1', '255.255.255.0'], /are of different IP versions/],
  ['two prefix lengths that differ', ['192.0.2.1/24', '255.255.0.0'], /contradicts the address/],
  ['the address of the network', ['192.0.2.0', '24'], /is the network's own address/],
  ['the broadcast address', ['192.0.2.255', '24'], /broadcast address/],
  ['a multicast address', ['224.0.0.1', '24'], /address 224\.0\.0\.1 is multicast: a host cannot use it/],
  ['a loopback address', ['::1', '64'], /is loopback/],
  [
    'a gateway outside the network',
    ['192.0.2.1', '24', '192.0.3.1'],
    /gateway 192\.0\.3\.1 is not in the network of/,
  ],
  ['a gateway of the other IP version', ['192.0.2.1', '24', '2001:db8::1'], /is not in the network/],
  ['a gateway that is not an address', ['192.0.2.1', '24', 'x'], /gateway x is not an IP address/],
  [
    'the guest itself as the gateway',
    ['192.0.2.1', '24', '192.0.2.1'],
    /gateway 192\.0\.2\.1 is the guest's own address/,
  ],
  ['a gateway without an address', ['', '', '192.0.2.1'], /needs an address/],
  ['a netmask without an address', ['', '255.255.255.0'], /needs an address/],
];

for (const [what, args, message] of rejections) {
  test(`rejects ${what}`, (t) => {
    t.throws(() => read(...args), { message });
  });
}
