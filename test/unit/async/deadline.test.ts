import { getEventListeners } from 'node:events';
import test from 'ava';
import { execa } from 'execa';
import { startDeadline, type TimeLimit, waitFor, withDeadline } from '../../../lib/async/deadline.js';
import { packageRoot } from '../../../lib/files/package-root.js';

const late = (ms: number): TimeLimit => ({ ms, expired: () => new Error('too late') });

test('aborts the signal of work that exceeds its limit', async (t) => {
  const work = (signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  await t.throwsAsync(withDeadline(late(10), undefined, work), { message: 'too late' });
});

const never = (): Promise<void> => new Promise(() => {});

test('stops waiting for work that ignores its signal', async (t) => {
  await t.throwsAsync(waitFor(never(), undefined, late(10)), { message: 'too late' });
});

test('stops waiting when the outer signal aborts, with its reason', async (t) => {
  const controller = new AbortController();
  const waiting = waitFor(never(), controller.signal);
  controller.abort(new Error('stop'));
  await t.throwsAsync(waiting, { message: 'stop' });
  await t.throwsAsync(waitFor(never(), controller.signal), { message: 'stop' });
});

test('no longer listens to the signal once it has stopped waiting', async (t) => {
  const { signal } = new AbortController();
  await t.throwsAsync(waitFor(never(), signal, late(10)), { message: 'too late' });
  t.deepEqual(getEventListeners(signal, 'abort'), []);
});

test('aborts when the outer signal aborts', (t) => {
  const controller = new AbortController();
  const { signal } = startDeadline(late(60_000), controller.signal);
  controller.abort(new Error('stop'));
  t.is((signal.reason as Error).message, 'stop');
});

test('does not abort work that ended in time', async (t) => {
  const controller = new AbortController();
  const { signal, clear } = startDeadline(late(60_000), controller.signal);
  clear();
  controller.abort();
  t.false(signal.aborted);
});

test('survives garbage collection', async (t) => {
  const program = `
    import { startDeadline } from './dist/lib/async/deadline.js';
    let fired = false;
    const controller = new AbortController();
    startDeadline({ ms: 300, expired: () => new Error() }, controller.signal).signal.addEventListener('abort', () => { fired = true; });
    const collecting = setInterval(gc, 20);
    setTimeout(() => { clearInterval(collecting); console.log(fired); }, 1000);`;
  const { stdout } = await execa(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', program],
    {
      cwd: packageRoot,
    },
  );
  t.is(stdout, 'true');
});
