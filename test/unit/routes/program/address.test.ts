import test from 'ava';
import { formatAddress, parseAddress } from '../../../../routes/program/address.js';

for (const [text, host, port] of [
  [':8080', '127.0.0.1', 8080],
  ['localhost:0', 'localhost', 0],
  ['0.0.0.0:80', '0.0.0.0', 80],
  ['[::1]:8080', '::1', 8080],
] as const)
  test(`parses ${text} as port ${port} of ${host}`, (t) => {
    t.deepEqual(parseAddress(text), { host, port });
  });

for (const text of ['', '8080', 'localhost', ':', ':x', ':65536', '::1:8080', 'a:b:1', ':-1'])
  test(`rejects "${text}" as an address`, (t) => {
    t.throws(() => parseAddress(text), { message: /HOST:PORT/ });
  });

test('formats an IPv6 address in brackets', (t) => {
  t.is(formatAddress({ host: '::1', port: 80 }), '[::1]:80');
  t.is(formatAddress({ host: '127.0.0.1', port: 80 }), '127.0.0.1:80');
});
