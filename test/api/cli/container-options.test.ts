import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { tempDir } from '../../helpers/temp.js';

const CREATE = ['guest', 'create', '--container', '--image', 'busybox'];

test('a container gets what the options say, with its environment from files and options', async (t) => {
  const { url, context } = await serveApi(t);
  const dir = await tempDir(t);
  await writeFile(join(dir, 'open.env'), '# a comment\n\nMODE=test\nGREETING=hello there=you\n');
  await writeFile(join(dir, 'secret.env'), 'DB_PASSWORD=hunter2\r\n');
  const { exitCode, stderr } = await mistify(
    t,
    url,
    ...[...CREATE, '--command', `sh -c 'sleep 9'`, '--entrypoint', '[]', '--env', 'MODE=live'],
    ...['--env-from', join(dir, 'open.env'), '--secret-env-from', join(dir, 'secret.env'), '--user', '1:1'],
    ...['--secret-env', 'PIN=1', '--workdir', '/srv', '--hostname', 'web', '--label', 'team=shop', '--init'],
    ...['--stop-signal', 'SIGINT', '--stop-timeout', '5', '--cap-add', 'NET_RAW', '--cap-drop', 'ALL'],
    ...[
      '--pids-limit',
      '9',
      '--new-privileges',
      '--unlimited-memory',
      '--ulimit',
      'nofile=1:2',
      '--cpu',
      '0.5',
    ],
    ...['--publish', '8080:80', '--publish', '192.0.2.1:53:53/udp', '--publish', '[2001:db8::1]:1:2'],
    ...['--alias', 'db', '--add-host', 'a=192.0.2.7', '--dns', '192.0.2.53', '--dns-search', 'b.example'],
    ...['--ulimit', 'core=0', '--device', '/dev/fuse', '--restart', 'always'],
  );
  t.is(exitCode, 0, stderr);
  const [guest] = context.guests.list();
  t.like(guest, { cpu: 0.5, restart: { policy: 'always' } });
  t.deepEqual(guest?.container, {
    ...{ command: `sh -c 'sleep 9'`, entrypoint: [], env: { MODE: 'live', GREETING: 'hello there=you' } },
    ...{ secretEnv: { DB_PASSWORD: 'hunter2', PIN: '1' }, user: '1:1', workingDir: '/srv', hostname: 'web' },
    ...{ labels: { team: 'shop' }, init: true, stopSignal: 'SIGINT', stopTimeout: 5, capAdd: ['NET_RAW'] },
    ...{ capDrop: ['ALL'], pidsLimit: 9, noNewPrivileges: false, unlimitedMemory: true },
    ...{ ulimits: { nofile: { soft: 1, hard: 2 }, core: 0 }, devices: ['/dev/fuse'] },
    ports: [
      { hostPort: 8080, port: 80 },
      { hostAddress: '192.0.2.1', hostPort: 53, port: 53, protocol: 'udp' },
      { hostAddress: '2001:db8::1', hostPort: 1, port: 2 },
    ],
    ...{ aliases: ['db'], extraHosts: { a: '192.0.2.7' }, dns: ['192.0.2.53'], dnsSearch: ['b.example'] },
  });
});

for (const [options, message] of [
  [['--env-from', '/nowhere/env'], /cannot read the environment: .*ENOENT/],
  [['--ulimit', 'nofile'], /NAME=SOFT:HARD/],
  [['--cpu', '0'], /above 0/],
  [['--publish', '80'], /HOST_PORT:PORT/],
] as [string[], RegExp][])
  test(`rejects ${options.join(' ')}`, async (t) => {
    const { url } = await serveApi(t);
    const { exitCode, stderr } = await mistify(t, url, ...CREATE, ...options);
    t.is(exitCode, 2);
    t.regex(stderr, message);
  });

test('names the line of a file that is no variable, and not its content', async (t) => {
  const { url, context } = await serveApi(t);
  const path = join(await tempDir(t), 'env');
  await writeFile(path, 'A=1\nhunter2\n');
  const { exitCode, stderr } = await mistify(t, url, ...CREATE, '--secret-env-from', path);
  t.is(exitCode, 2);
  t.regex(stderr, /line 2 is not NAME=VALUE/);
  t.notRegex(stderr, /hunter2/);
  t.deepEqual(context.guests.list(), []);
});

test('says that an option describes a container', async (t) => {
  const { url } = await serveApi(t);
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'create', '--image', 'a', '--user', 'x');
  t.is(exitCode, 2);
  t.regex(stderr, /--user describes a container: add --container/);
});
