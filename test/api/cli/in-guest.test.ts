import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { addGuest } from '../../helpers/agent.js';
import { type Api, serveApi } from '../../helpers/api.js';
import { environment, MISTIFY, type Result } from '../../helpers/command-line.js';
import { IN_GUEST, type Script } from '../../helpers/scripted.js';
import { tempDir } from '../../helpers/temp.js';

interface Setup extends Api {
  /** Runs `mistify` with that standard input. */
  run: (input: string, ...args: string[]) => Promise<Result>;
  dir: string;
}

/** An agent with the guest `web`, and a directory of files and programs. */
const setUp = async (t: ExecutionContext, script: Script = {}): Promise<Setup> => {
  const api = await serveApi(t, script);
  const nic = { network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] };
  await addGuest(api.context, { nics: [nic], state: 'running', metadata: { name: 'web' } });
  const dir = await tempDir(t);
  const env = await environment(t, api.url);
  const run = async (input: string, ...args: string[]): Promise<Result> => {
    const { exitCode, stdout, stderr } = await execa(process.execPath, [MISTIFY, ...args], {
      env: { ...env, PATH: `${dir}:${env.PATH}` },
      extendEnv: false,
      reject: false,
      input,
      cwd: dir,
      timeout: 60_000,
    });
    return { exitCode, stdout, stderr };
  };
  return { ...api, run, dir };
};

const execScript = (result: Record<string, unknown>): Script => ({
  methods: {
    'Test.exec': ({ guest }) => ({ guest: { id: guest.id }, result: { ...IN_GUEST.exec, ...result } }),
  },
});

test('a program gets a terminal only from a terminal', async (t) => {
  const { run, scripted } = await setUp(t);
  const { exitCode, stderr } = await run('some input', 'guest', 'exec', '-it', 'web', 'sh');
  t.is(exitCode, 255);
  t.regex(stderr, /standard input is not a terminal/);
  t.regex(stderr, /Leave out -t/);
  t.deepEqual(scripted.calls, []);
});

test.serial('a program’s output and exit code become those of the command', async (t) => {
  const { run, scripted } = await setUp(t, execScript({ exitCode: 3, stderr: 'oops\n' }));
  const result = await run('some input', 'guest', 'exec', '--env', 'A=b', 'web', '--', 'sh', '-c', 'exit 3');
  t.deepEqual(result, { exitCode: 3, stdout: 'hello', stderr: 'oops' });
  const [request] = scripted.requests('Test.exec');
  t.deepEqual(request?.body, {
    command: ['sh', '-c', 'exit 3'],
    env: { A: 'b' },
    input: Buffer.from('some input').toString('base64'),
    inputEncoding: 'base64',
  });
});

test.serial('a program that a signal ended, or that runs on, has an exit code of its own', async (t) => {
  const killed = await setUp(t, execScript({ exitCode: undefined, signal: 9 }));
  t.is((await killed.run('', 'guest', 'exec', 'web', 'true')).exitCode, 137);
  const late = await setUp(t, execScript({ exited: false, exitCode: undefined }));
  t.like(await late.run('', 'guest', 'exec', 'web', 'true'), {
    exitCode: 255,
    stderr: 'error: true still runs in the guest, as process 812',
  });
});

test.serial('a request to run a program is sent once, also when its fate is unknown', async (t) => {
  const { run, scripted } = await setUp(t, {
    methods: {
      'Test.exec': () => {
        throw new Error('it broke');
      },
    },
  });
  const { exitCode, stderr } = await run('', 'guest', 'exec', 'web', 'true');
  t.is(exitCode, 255);
  t.regex(stderr, /it broke/);
  t.is(scripted.requests('Test.exec').length, 1);
});

test.serial('copies a file to a guest in pieces, and from it', async (t) => {
  const written: Buffer[] = [];
  const { run, dir, scripted } = await setUp(t, {
    methods: {
      'Test.writeFile': ({ guest, body }) => {
        const { data, offset = 0 } = body as { data: string; offset?: number };
        const piece = Buffer.from(data, 'base64');
        written.push(piece);
        return { guest: { id: guest.id }, result: { size: offset + piece.length } };
      },
    },
  });
  const content = Buffer.alloc(2_500_000, 'abc');
  await writeFile(join(dir, 'big'), content);
  const sent = await run('', 'guest', 'cp', 'big', 'web:/run/', '--mode', '0600');
  t.like(sent, { exitCode: 0, stdout: 'web:/run/big: 2.4 MB' });
  t.deepEqual(Buffer.concat(written), content);
  t.deepEqual(
    scripted.requests('Test.writeFile').map(({ body }) => ({ ...(body as object), data: undefined })),
    [
      { path: '/run/big', mode: '0600', data: undefined },
      { path: '/run/big', offset: 1_048_576, data: undefined },
      { path: '/run/big', offset: 2_097_152, data: undefined },
    ],
  );
  t.is((await run('', 'guest', 'cp', 'web:/etc/hosts', '.')).exitCode, 0);
  t.is(await readFile(join(dir, 'hosts'), 'utf8'), 'the bytes of the disk');
  t.like(await run('', 'guest', 'cp', 'web:/etc/hosts', 'hosts'), { exitCode: 2 });
  t.is((await run('', 'guest', 'cp', 'web:/etc/hosts', '-')).stdout, 'the bytes of the disk');
});

test.serial('reads a password from standard input, and public keys from a file', async (t) => {
  const { run, dir, scripted } = await setUp(t);
  t.is((await run('s3cret\nrest', 'guest', 'set-password', 'web', 'root')).exitCode, 0);
  t.deepEqual(scripted.requests('Test.setPassword')[0]?.body, { user: 'root', password: 's3cret' });
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmF me@laptop';
  await writeFile(join(dir, 'key.pub'), `# mine\n${key}\n`);
  await writeFile(join(dir, 'key'), '-----BEGIN OPENSSH PRIVATE KEY-----\n');
  t.is((await run('', 'guest', 'ssh-key', 'add', 'web', 'root', 'key.pub')).exitCode, 0);
  t.deepEqual(scripted.requests('Test.addSshKeys')[0]?.body, { user: 'root', keys: [key] });
  t.regex((await run('', 'guest', 'ssh-key', 'add', 'web', 'root', 'key')).stderr, /key is a private key/);
});

test.serial('logs in with ssh at the best known address of the guest', async (t) => {
  const { run, dir } = await setUp(t);
  await writeFile(join(dir, 'ssh'), '#!/bin/sh\necho "$@"\nexit 5\n');
  await chmod(join(dir, 'ssh'), 0o755);
  const { exitCode, stdout } = await run('', 'ssh', 'web', '-l', 'admin', '--', '-p', '2222', 'uptime');
  t.is(exitCode, 5);
  t.regex(stdout, /^-o HostKeyAlias=mistify-\S+ -l admin 192\.0\.2\.7 -p 2222 uptime$/);
});
