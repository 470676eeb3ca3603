import { Duplex } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { environment, MISTIFY, mistify, onTerminal } from '../../helpers/command-line.js';
import { needsInTurn } from '../../helpers/needs.js';
import { until } from '../../helpers/wait.js';

const test = needsInTurn('script');

/** Serves an agent with a guest `web`, whose console records its input. */
const serve = async (t: ExecutionContext) => {
  const received = { bytes: '', sizes: [] as string[] };
  const bytes = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      received.bytes += chunk.toString();
      done();
    },
  });
  bytes.push('login: ');
  const { url, context } = await serveApi(t, {
    console: () => ({ bytes, resize: ({ columns, rows }) => void received.sizes.push(`${columns}x${rows}`) }),
  });
  await addGuest(context, { metadata: { name: 'web' } });
  return { url, received, bytes };
};

test('sends every key to the guest until Ctrl-] q', async (t) => {
  const { url, received } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('the prompt appears', () => output().includes('login: '));
  t.regex(output(), /Connected to web\. Press Ctrl-\] q to quit/);
  child.stdin?.write('root\r\u0003\u001d\u001d');
  await until('the keys arrive', () => received.bytes.endsWith('\u001d'));
  t.is(received.bytes, 'root\r\u0003\u001d');
  child.stdin?.write('\u001dq');
  t.is((await child).exitCode, 0, output());
});

test('sends the size of the terminal, and types it on demand', async (t) => {
  const { url, received } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('the size arrives', () => received.sizes.length > 0);
  t.deepEqual(received.sizes, ['120x30']);
  child.stdin?.write('\u001ds');
  await until('the command arrives', () => received.bytes !== '');
  t.is(received.bytes, 'stty rows 30 cols 120\r');
  child.stdin?.write('\u001d?');
  await until('the help appears', () => output().includes('Ctrl-] Ctrl-]'));
  child.stdin?.write('\u001d.');
  t.is((await child).exitCode, 0);
});

test('exits when the console ends', async (t) => {
  const { url, bytes } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('the prompt appears', () => output().includes('login: '));
  bytes.push(null);
  t.is((await child).exitCode, 0, output());
  t.regex(output(), /Disconnected from web/);
});

test('fails with the error of the console', async (t) => {
  const { url, bytes } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('the prompt appears', () => output().includes('login: '));
  bytes.destroy(new Error('the line is cut'));
  t.is((await child).exitCode, 1, output());
  t.regex(stripVTControlCharacters(output()), /error: the line is cut/);
});

test('connects pipes to the guest without a terminal', async (t) => {
  const { url, received, bytes } = await serve(t);
  const child = execa(process.execPath, [MISTIFY, 'console', 'web'], {
    env: await environment(t, url),
    extendEnv: false,
    input: 'uptime\n',
    timeout: 60_000,
  });
  await until('the input arrives', () => received.bytes === 'uptime\n');
  bytes.push('up 3 days\n');
  bytes.push(null);
  t.is((await child).stdout, 'login: up 3 days');
});

test('exits with 3 for an unknown guest', async (t) => {
  const { url } = await serve(t);
  t.is((await mistify(t, url, 'console', 'missing')).exitCode, 3);
});

test('exits with 2 for an invalid scrollback', async (t) => {
  const { url } = await serve(t);
  t.is((await mistify(t, url, 'console', 'web', '--scrollback', 'all')).exitCode, 2);
});
