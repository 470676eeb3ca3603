import test from 'ava';
import { MAX_WAITING, Runner } from '../../../../lib/runtime/jobs/runner.js';
import { gate } from '../../../helpers/wait.js';

test('runs queued work one at a time, in order', async (t) => {
  const runner = new Runner('g');
  const log: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    log.push(`${name} starts`);
    await new Promise(setImmediate);
    log.push(`${name} ends`);
  };
  await Promise.all(['a', 'b', 'c'].map((name) => runner.enqueue(name, work(name))));
  t.deepEqual(log, ['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
});

test('continues after work that fails', async (t) => {
  const runner = new Runner('g');
  const failed = runner.enqueue('a', () => Promise.reject(new Error('no')));
  const done = runner.enqueue('b', async () => 'yes');
  await t.throwsAsync(failed, { message: 'no' });
  t.is(await done, 'yes');
});

test('accepts one running and 100 waiting entries, then reports a full queue', async (t) => {
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

test('cancels all waiting entries and leaves the running one alone', async (t) => {
  const runner = new Runner('g');
  const { opened, open } = gate();
  const running = runner.enqueue('running', async () => {
    await opened;
    return 'done';
  });
  const waiting = ['a', 'b'].map((id) => runner.enqueue(id, async () => t.fail()));
  runner.cancelWaiting(new Error('gone'));
  for (const promise of waiting) await t.throwsAsync(promise, { message: 'gone' });
  open();
  t.is(await running, 'done');
});

test('cancels a single waiting entry, which never runs', async (t) => {
  const runner = new Runner('g');
  const { opened, open } = gate();
  const running = runner.enqueue('a', () => opened);
  const cancelled = runner.enqueue('b', async () => t.fail());
  const after = runner.enqueue('c', async () => 'done');
  t.true(runner.cancel('b', new Error('cancelled')));
  await t.throwsAsync(cancelled, { message: 'cancelled' });
  t.is(runner.waiting, 1);
  open();
  await running;
  t.is(await after, 'done');
  t.false(runner.cancel('b', new Error('again')));
});

test('aborts the signal of a running entry', async (t) => {
  const runner = new Runner('g');
  const running = runner.enqueue('a', async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  });
  await new Promise(setImmediate);
  t.is(runner.running, 'a');
  t.true(runner.cancel('a', new Error('enough')));
  await t.throwsAsync(running, { message: 'enough' });
  t.is(runner.running, undefined);
});

test('runs a first entry ahead of all waiting ones', async (t) => {
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

test('finishes the running entry and starts no more once paused', async (t) => {
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
  test(`runs at most ${limit} ${kind} actions at a time`, async (t) => {
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
