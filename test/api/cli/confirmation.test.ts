import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify, onTerminal } from '../../helpers/command-line.js';
import { needsInTurn } from '../../helpers/needs.js';
import { until } from '../../helpers/wait.js';

const test = needsInTurn('script');

const ID = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';

for (const args of [
  ['guest', 'delete', 'web'],
  ['snapshot', 'delete', 'web', 'monday'],
  ['snapshot', 'rollback', 'web', 'monday'],
])
  test(`${args.slice(0, 2).join(' ')} exits with 2 without a terminal, unless --yes is given`, async (t) => {
    const { url, context } = await serveApi(t);
    await addGuest(context, { id: ID, state: 'shutoff', metadata: { name: 'web' } });
    const { exitCode, stdout, stderr } = await mistify(t, url, ...args);
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.regex(stderr, /web.*--yes/s);
    t.deepEqual(context.jobs.list(), []);
    t.is((await mistify(t, url, ...args, '--yes')).exitCode, 0);
    t.is(context.jobs.list().length, 1);
  });

for (const [answer, exitCode, jobs] of [
  ['y\r', 0, 1],
  ['yes\r', 0, 1],
  ['n\r', 1, 0],
  ['\r', 1, 0],
  ['web\r', 1, 0],
  ['\u0003', 130, 0],
  ['\u0004', 130, 0],
] as const)
  test(`guest delete asks on a terminal with the guest's name: ${JSON.stringify(answer)}`, async (t) => {
    const { url, context } = await serveApi(t);
    await addGuest(context, { id: ID, state: 'shutoff', metadata: { name: 'web\u001b[2J' } });
    const { child, output } = await onTerminal(t, url, 'guest', 'delete', '6a7e');
    await until('the question is shown', () => output().includes(`Delete guest web\\x1b[2J (${ID})`));
    child.stdin.write(answer);
    t.is((await child).exitCode, exitCode, output());
    t.is(context.jobs.list().length, jobs);
    if (jobs === 0) t.regex(output(), /nothing was changed/);
  });

test('guest create needs an image or a disk, and a container an image', async (t) => {
  const { url, context } = await serveApi(t);
  for (const [options, words] of [
    [['--memory', '64'], /cannot boot: give --image/],
    [['--name', 'web', '--nic', 'user'], /cannot boot: give --image/],
    [['--container', '--disk', '64'], /a container needs an image/],
  ] as [string[], RegExp][]) {
    const { exitCode, stderr } = await mistify(t, url, 'guest', 'create', ...options);
    t.is(exitCode, 2, options.join(' '));
    t.regex(stderr, words);
  }
  t.deepEqual(context.guests.list(), []);
  t.is((await mistify(t, url, 'guest', 'create', '--disk', '64')).exitCode, 0);
});
