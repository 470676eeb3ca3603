import test from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import type { GuestRequest } from '../../../../lib/rpc/protocol/guest-messages.js';
import { event, finished, startTestAgent } from '../../../helpers/agent.js';
import { Clock } from '../../../helpers/clock.js';
import { until } from '../../../helpers/wait.js';

test('cleans up again after a failed create, until it succeeds', async (t) => {
  let isDown = true;
  const methods = {
    'Test.create': () => {
      throw new Error('no such bridge: br7');
    },
    'Test.delete': ({ guest }: GuestRequest) => {
      if (isDown) throw new Error('down');
      return { guest };
    },
    'Test.NoDisks': ({ guest }: GuestRequest) => ({ guest }),
  };
  const script = {
    actions: {
      create: [{ method: 'Test.create' }],
      delete: [{ method: 'Test.delete' }, { method: 'Test.NoDisks' }],
    },
    methods,
  };
  const agent = await startTestAgent(t, script);
  const clock = new Clock();
  clock.start();
  t.teardown(() => clock.stop());
  const { headers, body } = await createGuest(event({ payload: { memory: 64 } }), agent.context);
  await finished(agent.context, headers?.['X-Guest-Job-ID']);
  const calls = (): number => agent.scripted.requests('Test.delete').length;
  t.is(calls(), 1);
  const passUntil = (what: string, isReached: () => boolean) =>
    until(what, () => {
      clock.advance(15_000);
      return isReached();
    });
  await passUntil('it tries again', () => calls() > 1);
  isDown = false;
  const failed = calls();
  await passUntil('it succeeds', () => calls() > failed);
  await until('the guest is idle', () => agent.context.runtime.isIdle(body.id));
  const all = calls();
  clock.advance(60_000);
  await until('the guest is idle', () => agent.context.runtime.isIdle(body.id));
  t.is(calls(), all);
  t.is(agent.context.guests.get(body.id).state, 'error');
});
