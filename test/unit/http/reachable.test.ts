import test from 'ava';
import { isNetwork, Reachable } from '../../../lib/http/reachable.js';

const REFUSED: Record<string, string[]> = {
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  loopback: ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'],
  private: [
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fc00::1',
    'fd12::1',
    'fec0::1',
    '::ffff:10.0.0.1',
  ],
  'link-local': ['169.254.169.254', 'fe80::1', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe'],
  multicast: ['224.0.0.1', '239.255.255.250', 'ff02::1'],
  broadcast: ['255.255.255.255'],
  reserved: ['192.0.2.1', '198.18.0.1', '240.0.0.1', '2001:db8::1', '::7f00:1', '3fff::1'],
  rfc6052: ['64:ff9b:1::7f00:1'],
  rfc6145: ['::ffff:0:127.0.0.1'],
  '6to4': ['2002:7f00:1::1'],
  teredo: ['2001::1'],
};

for (const [kind, addresses] of Object.entries(REFUSED))
  for (const address of addresses)
    test(`refuses ${address}, which is ${kind}`, (t) => {
      t.is(new Reachable().obstacle(address), kind);
    });

for (const address of ['8.8.8.8', '2606:4700:4700::1111', '64:ff9b::808:808', '::ffff:8.8.8.8', '172.32.0.1'])
  test(`allows ${address}, which is on the Internet`, (t) => {
    t.is(new Reachable().obstacle(address), undefined);
  });

test('allows what is listed, in any notation, and nothing beside it', (t) => {
  const reachable = new Reachable(['10.1.0.0/16', '127.0.0.1', 'fd00::/8', '::1']);
  for (const address of ['10.1.255.1', '::ffff:10.1.0.1', '127.0.0.1', 'fd12::1', '::1'])
    t.is(reachable.obstacle(address), undefined, address);
  for (const address of ['10.2.0.1', '127.0.0.2', 'fc00::1', '169.254.169.254'])
    t.not(reachable.obstacle(address), undefined, address);
});

test('takes addresses and networks of both families, and nothing else', (t) => {
  for (const text of ['10.0.0.0/8', '127.0.0.1', '::1', 'fe80::/10']) t.true(isNetwork(text), text);
  for (const text of ['', 'localhost', '10', '10.0.0.0/33', '127.1', '10.0.0.0-10.0.0.9'])
    t.false(isNetwork(text), text);
});
