import test from 'ava';
import { containerLines, portWords } from '../../../lib/cli/container-words.js';
import { formatValue } from '../../../lib/cli/printable.js';

test('says what a container has in words, a line for each thing', (t) => {
  const lines = containerLines({
    command: ['sh', '-c', 'echo "a b"'],
    entrypoint: [],
    user: '1:1',
    env: { A: '1', B: '2' },
    ports: [
      { hostPort: 8080, port: 80 },
      { hostAddress: '::1', hostPort: 53, port: 5353, protocol: 'udp' },
    ],
    mounts: [
      { type: 'volume', source: 'data', target: '/data', readOnly: true },
      { type: 'bind', source: '/srv/x', target: '/x' },
      { type: 'tmpfs', target: '/cache', size: 64, mode: '0700' },
    ],
    capAdd: ['NET_RAW', 'MKNOD'],
    ulimits: { nofile: 4096, core: { soft: 0, hard: -1 } },
    health: { command: 'pg_isready', interval: 5 },
    imageMounts: [{ target: '/var/lib', volume: 'v-1' }],
    extraHosts: { db: '192.0.2.7' },
    init: true,
  });
  t.deepEqual(lines, [
    'command: sh -c "echo \\"a b\\""',
    'entrypoint: none',
    'user: 1:1',
    'env: A=1',
    'env: B=2',
    'port: 8080->80/tcp',
    'port: [::1]:53->5353/udp',
    'mount: volume data at /data, read-only',
    'mount: path /srv/x at /x',
    'mount: memory at /cache, at most 64 MB, mode 0700',
    'capAdd: NET_RAW, MKNOD',
    'ulimit: nofile=4096',
    'ulimit: core=0:-1',
    'health check: pg_isready, every 5 s',
    'image volume: v-1 at /var/lib',
    'host: db is 192.0.2.7',
    'init: true',
  ]);
});

test('formats the container of a guest in words, without control characters', (t) => {
  t.is(formatValue({ command: 'a\nb', user: '1' }, 'container'), 'command: a\\nb\nuser: 1');
  t.is(portWords({ hostAddress: '192.0.2.1', hostPort: 1, port: 2 }), '192.0.2.1:1->2/tcp');
});
