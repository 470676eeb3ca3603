import test from 'ava';
import { networkSchemas } from '../../../../lib/model/container/network-schema.js';
import { repeatedPort, shareAddress } from '../../../../lib/model/container/port-clash.js';

test('an address is the same one in each of its forms', (t) => {
  for (const [one, other] of [
    ['::1', '0:0:0:0:0:0:0:1'],
    ['2001:DB8::1', '2001:db8:0::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0::0', '192.0.2.1'],
  ] as const)
    t.true(shareAddress(one, other), `${one} ${other}`);
  t.false(shareAddress('::1', '::2'));
  t.false(shareAddress('127.0.0.1', '::1'));
});

test('finds a port that is published twice, and lets TCP and UDP share a number', (t) => {
  const port = { hostPort: 53, port: 53 };
  t.truthy(
    repeatedPort([
      { ...port, hostAddress: '::1' },
      { ...port, hostAddress: '0::1' },
    ]),
  );
  t.is(repeatedPort([port, { ...port, protocol: 'udp' }]), undefined);
});

test('rejects an address with a zone, which engines do not take', (t) => {
  const { error } = networkSchemas.ports.validate([{ hostAddress: 'fe80::1%eth0', hostPort: 1, port: 1 }]);
  t.regex(String(error), /must be an IP address without a zone/);
});
