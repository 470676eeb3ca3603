import test from 'ava';
import { MAX_WAITING, Runner } from '../../../../lib/runtime/jobs/runner.js';
import { gate } from '../../../helpers/wait.js';

test('queued work is done one at a time, in the order it was asked for', async (t) => {
  const runner = new Runner('g');
  const log: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    log.push(`${name} begins`);
    await new Promise(setImmediate);
    log.push(`${name} ends`);
  };
  await Promise.all(['a', 'b', 'c'].map((name) => runner.enqueue(name, work(name))));
  t.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('work that fails does not hold up what comes after it', async (t) => {
  const runner = new Runner('g');
  const failed = runner.enqueue('a', () => Promise.reject(new Error('no')));
  const done = runner.enqueue('b', async () => 'yes');
  await t.throwsAsync(failed, { message: 'no' });
  t.is(await done, 'yes');
});

test('there is room for one that runs and 100 that wait, no more', async (t) => {
  const runner = new Runner('g');
  const { opened, open } = gate();
  const accepted = Array.from({ length: MAX_WAITING + 1 }, (_, index) => {
    runner.requireRoom();
    return runner.enqueue(`${index}`, () => opened);
  });
  t.is(runner.waiting, 100);
  t.like(
    t.throws(() => runner.requireRoom()),
    { kind: 'queue_full', retryAfter: 5 },
  );
  open();
  await Promise.all(accepted);
  t.notThrows(() => runner.requireRoom());
});

test('what waits can be abandoned; what runs goes on', async (t) => {
  const runner = new Runner('g');
  const { opened, open } = gate();
  const running = runner.enqueue('running', async () => {
    await opened;
    return 'done';
  });
  const waiting = ['a', 'b'].map((id) => runner.enqueue(id, async () => t.fail()));
  runner.abandon(new Error('gone'));
  for (const promise of waiting) await t.throwsAsync(promise, { message: 'gone' });
  open();
  t.is(await running, 'done');
});

test('what waits can be ended alone, and never runs', async (t) => {
  const runner = new Runner('g');
  const { opened, open } = gate();
  const running = runner.enqueue('a', () => opened);
  const ended = runner.enqueue('b', async () => t.fail());
  const after = runner.enqueue('c', async () => 'done');
  t.true(runner.end('b', new Error('no more')));
  await t.throwsAsync(ended, { message: 'no more' });
  t.is(runner.waiting, 1);
  open();
  await running;
  t.is(await after, 'done');
  t.false(runner.end('b', new Error('again')));
});

test('what runs is told when it is to end', async (t) => {
  const runner = new Runner('g');
  const running = runner.enqueue('a', async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  });
  await new Promise(setImmediate);
  t.is(runner.running, 'a');
  t.true(runner.end('a', new Error('enough')));
  await t.throwsAsync(running, { message: 'enough' });
  t.is(runner.running, undefined);
});

test('what is to be first goes ahead of all that waits', async (t) => {
  const runner = new Runner('g');
  const order: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    order.push(name);
  };
  const { opened, open } = gate();
  const all = [
    runner.enqueue('a', () => opened),
    runner.enqueue('b', work('b')),
    runner.enqueue('c', work('c'), { first: true }),
  ];
  open();
  await Promise.all(all);
  t.deepEqual(order, ['c', 'b']);
});

test('a paused runner ends what runs and starts nothing more', async (t) => {
  const runner = new Runner('g');
  const { opened, open } = gate();
  const running = runner.enqueue('a', () => opened);
  void runner.enqueue('b', async () => t.fail());
  const paused = runner.pause();
  open();
  await Promise.all([running, paused]);
  await new Promise(setImmediate);
  t.is(runner.waiting, 1);
});

for (const [kind, limit] of [
  ['info', 100],
  ['stream', 5],
] as const)
  test(`at most ${limit} ${kind} actions are done at a time`, async (t) => {
    const runner = new Runner('g');
    const { opened, open } = gate();
    let running = 0;
    let most = 0;
    const all = Array.from({ length: limit + 3 }, () =>
      runner[kind](async () => {
        running += 1;
        most = Math.max(most, running);
        await opened;
        running -= 1;
      }),
    );
    await new Promise(setImmediate);
    t.is(running, limit);
    open();
    await Promise.all(all);
    t.is(most, limit);
  });
