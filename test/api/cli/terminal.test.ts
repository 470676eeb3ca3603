import { stripVTControlCharacters } from 'node:util';
import { addGuest, finished } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { onTerminal, onTerminalOf } from '../../helpers/command-line.js';
import { needsInTurn } from '../../helpers/needs.js';
import { METRICS } from '../../helpers/scripted.js';
import { gate, until } from '../../helpers/wait.js';

const test = needsInTurn('script');

const ESCAPE = '\u001b';
/** Starts a synchronized update, which the terminal shows at once. */
const BEGIN_FRAME = `${ESCAPE}[?2026h`;

test('colours states on a terminal', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { state: 'running' });
  const { child, output } = await onTerminal(t, url, 'guest', 'list');
  t.is((await child).exitCode, 0);
  t.true(output().includes(`${ESCAPE}[32mrunning`), output());
});

test('--wait shows the progress of the job', async (t) => {
  const { opened, open } = gate();
  t.teardown(open);
  const { url } = await serveApi(t, {
    methods: {
      'Test.fetchImage': async (_request, { progress }) => {
        // The program misses progress from before it follows the events.
        let round = 0;
        const timer = setInterval(() => progress(`2.${round++ % 10} of 8 MB`, 25), 100);
        await opened;
        clearInterval(timer);
        return { images: [] };
      },
    },
  });
  const { child, output } = await onTerminal(t, url, 'image', 'fetch', 'x', 'http://192.0.2.1/x', '--wait');
  await until('the bar is shown', () =>
    /fetch x {2}\[#####-{15}\] {2}2\.\d of 8 MB/.test(stripVTControlCharacters(output())),
  );
  open();
  t.is((await child).exitCode, 0);
  t.regex(stripVTControlCharacters(output()), /fetch x: done in/);
});

test('works on a terminal that reports no columns', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { state: 'shutoff', metadata: { name: 'web' } });
  const noSize = { columns: 0, rows: 0 };
  const { child, output } = await onTerminalOf(t, noSize, url, 'guest', 'start', 'web', '--wait');
  t.is((await child).exitCode, 0, output());
  const { child: top } = await onTerminalOf(t, noSize, url, 'top', '-n', '0.1', '--count', '2');
  t.is((await top).exitCode, 0);
});

test('Ctrl-C leaves the job running', async (t) => {
  const { opened, open } = gate();
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'running' } };
      },
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff', metadata: { name: 'web' } });
  const { child, output } = await onTerminal(t, url, 'guest', 'start', 'web', '--wait');
  await until('the program waits', () => stripVTControlCharacters(output()).includes('start web'));
  child.stdin?.write('\u0003');
  t.is((await child).exitCode, 130, output());
  const [job] = context.jobs.list();
  t.regex(output(), new RegExp(`the job continues[\\s\\S]*mistify job wait ${job?.ID.slice(0, 8)}`));
  open();
  t.is((await finished(context, job?.ID)).Status, 'Complete');
  t.is(context.guests.get(id).state, 'running');
});

test('top redraws in place', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web' } });
  const { child, output } = await onTerminal(t, url, 'top', '-n', '0.1', '--count', '2');
  t.is((await child).exitCode, 0);
  t.true(output().includes(`${ESCAPE}[1A`), 'the cursor goes up');
  t.regex(stripVTControlCharacters(output()), /1 guest, 1 running[\s\S]*web +running/);
});

/** Returns the lines of the last frame. */
const lastFrame = (output: string): string[] =>
  stripVTControlCharacters(output.slice(output.lastIndexOf(BEGIN_FRAME)))
    .trimEnd()
    .split(/\r?\n/);

test('top shows the busiest guests that fit and counts the rest', async (t) => {
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.allMetrics': () => ({
        guests: context.guests
          .list()
          .filter(({ metadata }) => metadata?.name === 'busy')
          .map(({ id }) => ({ guest: id, ...METRICS, cpu: [{ cpu_time: Date.now() / 2000, vcpu_time: 0 }] })),
      }),
    },
  });
  for (const name of [...Array.from({ length: 40 }, (_, n) => `idle-${n}`), 'busy'])
    await addGuest(context, { metadata: { name } });
  const { child, output } = await onTerminal(t, url, 'top', '-n', '0.5');
  const shown = await until('the terminal is full', () => {
    const lines = lastFrame(output());
    const first = lines[lines.findIndex((line) => line.startsWith('GUEST ')) + 1];
    return /^… and \d+ more$/.test(lines.at(-1) ?? '') && / busy /.test(first ?? '') ? lines : undefined;
  });
  // A frame leaves out lines that have not changed.
  t.regex(stripVTControlCharacters(output()), /41 guests, 41 running[^\n]*\n[^\n]*: load .* memory /);
  const guests = shown.slice(shown.findIndex((line) => line.startsWith('GUEST ')) + 1, -1);
  t.is(shown.at(-1), `… and ${41 - guests.length} more`);
  // The line of the host is as long as the host has parts, and may take several rows.
  t.true(shown.length <= 29 && shown.length > 24, `${shown.length} lines`);
  child.stdin?.write('q');
  t.is((await child).exitCode, 0);
});

test('top redraws when the terminal is resized', async (t) => {
  const { url } = await serveApi(t);
  const { child, output, resize } = await onTerminal(t, url, 'top', '-n', '3600');
  await until('top is shown', () => output().includes('0 guests'));
  await resize({ columns: 100, rows: 12 });
  await until('top is redrawn', () => output().split('0 guests').length > 2);
  child.stdin?.write('q');
  t.is((await child).exitCode, 0);
});

test('q quits top', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web' } });
  const { child, output } = await onTerminal(t, url, 'top', '-n', '3600');
  await until('top is shown', () => output().includes('1 guest'));
  child.stdin?.write('q');
  t.is((await child).exitCode, 0, output());
});

test('Ctrl-C interrupts top', async (t) => {
  const { url } = await serveApi(t);
  const { child, output } = await onTerminal(t, url, 'top', '-n', '3600');
  await until('top is shown', () => output().includes('0 guests'));
  child.stdin?.write('\u0003');
  t.is((await child).exitCode, 130, output());
});

test('escapes control characters in names and errors', async (t) => {
  const fail = (): never => {
    throw new Error('\u001b]0;owned\u0007\nall is well');
  };
  const { url, context } = await serveApi(t, { methods: { 'Test.start': fail } });
  const { id } = await addGuest(context, { state: 'shutoff', metadata: { name: '\u001b[2Jweb\n\u009b' } });
  for (const args of [
    ['guest', 'list'],
    ['guest', 'list', '--fields', 'id,metadata'],
    ['guest', 'show', id],
    ['guest', 'start', id, '--wait'],
    ['job', 'list'],
    ['top', '--count', '1', '-n', '0.1'],
  ]) {
    const { child, output } = await onTerminal(t, url, ...args);
    await child;
    t.regex(output(), /\\x1b/, args.join(' '));
    for (const control of ['\u001b[2Jweb', '\u001b]0', '\u0007', '\u009b'])
      t.false(output().includes(control), args.join(' '));
  }
});
