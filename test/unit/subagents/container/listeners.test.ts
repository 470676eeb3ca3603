import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import test from 'ava';
import { parseListeners, requireFreePorts } from '../../../../lib/subagents/container/listeners.js';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, remote: string, state: string, inode: number): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000 100`;

test('reads the sockets that listen from the tables of the kernel', (t) => {
  const tcp = [
    HEAD,
    line('0100007F:1F90', '00000000:0000', '0A', 7),
    line('00000000:0050', '00000000:0000', '0A', 8),
    line('0100007F:1F91', '0100007F:D431', '01', 9),
  ];
  t.deepEqual(parseListeners(tcp.join('\n'), true), [
    { address: '127.0.0.1', port: 8080, inode: '7' },
    { address: '', port: 80, inode: '8' },
  ]);
  const none = '00000000000000000000000000000000';
  const tcp6 = [
    HEAD,
    line('B80D0120000000000000000001000000:0050', `${none}:0000`, '0A', 1),
    line('0000000000000000FFFF00000100007F:0051', `${none}:0000`, '0A', 2),
    line(`${none}:0052`, `${none}:0000`, '0A', 3),
  ];
  t.deepEqual(
    parseListeners(tcp6.join('\n'), true).map(({ address }) => address),
    ['2001:db8::1', '127.0.0.1', ''],
  );
  const udp = [
    HEAD,
    line('00000000:0035', '00000000:0000', '07', 4),
    line('00000000:0036', '0100007F:0035', '01', 5),
  ];
  t.deepEqual(parseListeners(udp.join('\n'), false), [{ address: '', port: 53, inode: '4' }]);
});

test('names the program that listens at a port, and lets one of another address be', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port: hostPort } = server.address() as AddressInfo;
  const wanted = new RegExp(
    `^port ${hostPort}/tcp of this host is taken by .* \\(process ${process.pid}\\): choose another`,
  );
  await t.throwsAsync(requireFreePorts([{ hostPort, port: 80 }]), { name: 'Refusal', message: wanted });
  await t.throwsAsync(requireFreePorts([{ hostAddress: '127.0.0.1', hostPort, port: 80 }]), {
    name: 'Refusal',
  });
  await t.notThrowsAsync(requireFreePorts([{ hostAddress: '127.0.0.2', hostPort, port: 80 }]));
  await t.notThrowsAsync(requireFreePorts([{ hostPort, port: 80, protocol: 'udp' }]));
  await t.notThrowsAsync(requireFreePorts());
});
