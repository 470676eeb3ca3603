import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { InFlight } from '../../../lib/async/in-flight.js';

test('no more than the limit runs at a time, and all has ended afterwards', async (t) => {
  let running = 0;
  let most = 0;
  let ended = 0;
  await InFlight.run(3, async (flight) => {
    for (let n = 0; n < 10; n += 1)
      await flight.add(async () => {
        running += 1;
        most = Math.max(most, running);
        await delay(1);
        running -= 1;
        ended += 1;
      });
  });
  t.is(most, 3);
  t.is(ended, 10);
});

test('a failure ends the work once what runs has ended', async (t) => {
  let ended = 0;
  const run = InFlight.run(2, async (flight) => {
    await flight.add(() => Promise.reject(new Error('broken')));
    for (let n = 0; n < 10; n += 1)
      await flight.add(async () => {
        await delay(1);
        ended += 1;
      });
  });
  await t.throwsAsync(run, { message: 'broken' });
  t.true(ended <= 2);
});
