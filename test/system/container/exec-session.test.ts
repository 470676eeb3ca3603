import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import ava, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { ExecSession } from '../../../lib/model/exec-session.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const start = async (t: ExecutionContext) => {
  const { client, url } = await startContainerAgent(t, (await shared.engine()).socket);
  const { id: _, ...spec } = newGuest();
  const { jobId, body } = await client.guests.create(spec);
  await client.waitForJob(jobId);
  t.teardown(async () => client.waitForJob((await client.guests.perform(body.id, 'delete')).jobId));
  const open = (session: ExecSession) => client.guests.openExec(body.id, session);
  return { client, url, id: body.id, open };
};

const sh = (script: string): string[] => ['sh', '-c', script];

test('passes input on while the program runs, and keeps its outputs apart', async (t) => {
  const { open } = await start(t);
  const { stdin, stdout, stderr, ended } = await open({
    command: sh('while read line; do echo "out $line"; echo "err $line" >&2; done; exit 5'),
  });
  stdin.write('one\n');
  const first = await until('the first answer', () => stdout.read() as Buffer | null);
  t.is(String(first), 'out one\n');
  stdin.end('two\n');
  t.is(await text(stdout), 'out two\n');
  t.is(await text(stderr), 'err one\nerr two\n');
  t.is(await ended, 5);
});

test('passes much through, in both directions, with a reader that takes its time', async (t) => {
  const { open } = await start(t);
  const { stdin, stdout, ended } = await open({ command: ['cat'] });
  const sent = Buffer.alloc(8 * 2 ** 20, 'mistify ');
  stdin.end(sent);
  let received = 0;
  let isSame = true;
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    if (received === 0) await new Promise((resolve) => setTimeout(resolve, 500));
    isSame &&= chunk.equals(sent.subarray(received, received + chunk.length));
    received += chunk.length;
  }
  t.is(received, sent.length);
  t.true(isSame);
  t.is(await ended, 0);
});

test('gives a program a terminal of the wanted size, and changes it', async (t) => {
  const { open } = await start(t);
  const { stdin, stdout, resize, ended } = await open({
    command: ['sh'],
    ...{ terminal: true, size: { columns: 100, rows: 30 } },
  });
  let seen = '';
  stdout.on('data', (chunk: Buffer) => {
    seen += chunk;
  });
  const sees = (words: string) => until(`the terminal shows ${words}`, () => seen.includes(words));
  stdin.write('/bin/busybox tty; /bin/busybox stty size\n');
  await sees('/dev/pts/');
  await sees('30 100');
  resize({ columns: 90, rows: 20 });
  await until('the terminal has its new size', () => {
    stdin.write('/bin/busybox stty size\n');
    return seen.includes('20 90');
  });
  stdin.write('exit 4\n');
  t.is(await ended, 4);
});

test('hangs up a program whose client leaves', async (t) => {
  const { client, id, open } = await start(t);
  const { stdout, close } = await open({ command: sh('trap "" PIPE; echo here; exec sleep 654') });
  await until('it runs', () => stdout.read());
  const runs = async (): Promise<boolean> =>
    (await client.guests.exec(id, { command: ['/bin/busybox', 'ps'] })).stdout.includes('sleep 654');
  t.true(await runs());
  close();
  await until('it has ended', async () => !(await runs()));
});

test('says why a program cannot run', async (t) => {
  const { client, id, open } = await start(t);
  const missing = await open({ command: ['no-such-program'] });
  const outcome = await missing.ended.catch((error: Error) => error);
  // Some engines refuse it, others report the exit code of a shell.
  t.true(outcome instanceof Error ? /no-such-program/.test(outcome.message) : [126, 127].includes(outcome));
  const malformed = await open({ command: [] });
  await t.throwsAsync(malformed.ended, { message: /"command" must/ });
  await client.waitForJob((await client.guests.perform(id, 'poweroff')).jobId);
  await t.throwsAsync(open({ command: ['true'] }), { message: /runs no programs: start it first/ });
});

test('the command line passes on standard input and the exit code', async (t) => {
  const { url, id } = await start(t);
  const mistify = (input: string, ...args: string[]) =>
    execa(process.execPath, [MISTIFY, 'guest', 'exec', ...args], {
      ...{ input, reject: false, env: { MISTIFY_URL: url } },
    });
  const cat = await mistify('hi\n', '-i', id, '--', 'cat');
  t.like(cat, { stdout: 'hi', stderr: '', exitCode: 0 });
  const failing = await mistify('', '-i', id, '--', 'sh', '-c', 'echo out; echo err >&2; exit 7');
  t.like(failing, { stdout: 'out', stderr: 'err', exitCode: 7 });
  const terminal = await mistify('', '-t', id, '--', '/bin/busybox', 'tty');
  t.regex(terminal.stdout, /\/dev\/pts\//);
  const placed = await mistify(
    '',
    '--user',
    '77',
    '--workdir',
    '/tmp',
    id,
    '--',
    'sh',
    '-c',
    'echo $PWD; exec /bin/busybox id -u',
  );
  t.is(placed.stdout, '/tmp\n77');
});

const MISTIFY = fileURLToPath(new URL('../../../lib/cli/main.js', import.meta.url));
