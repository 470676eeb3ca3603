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

/** An agent with a guest, `web`, whose console keeps what it is told. */
const serve = async (t: ExecutionContext) => {
  const told = { bytes: '', sizes: [] as string[] };
  const bytes = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      told.bytes += chunk.toString();
      done();
    },
  });
  bytes.push('login: ');
  const { url, context } = await serveApi(t, {
    console: () => ({ bytes, resize: ({ columns, rows }) => void told.sizes.push(`${columns}x${rows}`) }),
  });
  await addGuest(context, { metadata: { name: 'web' } });
  return { url, told, bytes };
};

test('the terminal becomes that of the guest: every key goes there, until Ctrl-] q', async (t) => {
  const { url, told } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('the guest speaks', () => output().includes('login: '));
  t.regex(output(), /Connected with web\. Leave with Ctrl-\] q/);
  child.stdin?.write('root\r\u0003\u001d\u001d');
  await until('it has heard', () => told.bytes.endsWith('\u001d'));
  t.is(told.bytes, 'root\r\u0003\u001d');
  child.stdin?.write('\u001dq');
  t.is((await child).exitCode, 0, output());
});

test('the size of the terminal is told, and typed on demand', async (t) => {
  const { url, told } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('it is told', () => told.sizes.length > 0);
  t.deepEqual(told.sizes, ['120x30']);
  child.stdin?.write('\u001ds');
  await until('it is typed', () => told.bytes !== '');
  t.is(told.bytes, 'stty rows 30 cols 120\r');
  child.stdin?.write('\u001d?');
  await until('the keys are shown', () => output().includes('Ctrl-] Ctrl-]'));
  child.stdin?.write('\u001d.');
  t.is((await child).exitCode, 0);
});

test('when the console ends, so does the command', async (t) => {
  const { url, bytes } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('the guest speaks', () => output().includes('login: '));
  bytes.push(null);
  t.is((await child).exitCode, 0, output());
  t.regex(output(), /Left web/);
});

test('when the console fails, the command does, and says why', async (t) => {
  const { url, bytes } = await serve(t);
  const { child, output } = await onTerminal(t, url, 'console', 'web');
  await until('the guest speaks', () => output().includes('login: '));
  bytes.destroy(new Error('the line is cut'));
  t.is((await child).exitCode, 1, output());
  t.regex(stripVTControlCharacters(output()), /error: the line is cut/);
});

test('without a terminal, pipes are connected with the guest', async (t) => {
  const { url, told, bytes } = await serve(t);
  const child = execa(process.execPath, [MISTIFY, 'console', 'web'], {
    env: await environment(t, url),
    extendEnv: false,
    input: 'uptime\n',
    timeout: 60_000,
  });
  await until('it is typed', () => told.bytes === 'uptime\n');
  bytes.push('up 3 days\n');
  bytes.push(null);
  t.is((await child).stdout, 'login: up 3 days');
});

test('a guest that is not there: exit code 3', async (t) => {
  const { url } = await serve(t);
  t.is((await mistify(t, url, 'console', 'nobody')).exitCode, 3);
});

test('a scrollback that is no number of bytes: exit code 2', async (t) => {
  const { url } = await serve(t);
  t.is((await mistify(t, url, 'console', 'web', '--scrollback', 'all')).exitCode, 2);
});
