import { createInterface } from 'node:readline';
import test from 'ava';
import { EVENTS_PATH, type SubAgentEvent } from '../../../../lib/rpc/protocol/sub-agent-events.js';
import { CallEvents, eventStream } from '../../../../lib/rpc/server/event-stream.js';
import { GuestStates } from '../../../../lib/rpc/server/guest-states.js';
import { Problems } from '../../../../lib/rpc/server/problems.js';
import { Programs } from '../../../../lib/rpc/server/programs.js';
import { SubAgent } from '../../../../lib/rpc/server/sub-agent.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { until } from '../../../helpers/wait.js';

test('sends all states and problems first, then each change, removal and progress, until its signal aborts', async (t) => {
  const states = new GuestStates();
  const known = states.set('a', 'running', 5901);
  const calls = new CallEvents();
  const controller = new AbortController();
  const lines: SubAgentEvent[] = [];
  const problems = new Problems();
  problems.set('disk', 'the disk is full');
  const stream = eventStream({ states, calls, problems, programs: new Programs() }, controller.signal);
  const changed = states.set('a', 'paused', 5901);
  const added = states.set('b', 'shutoff');
  states.remove('b');
  calls.emit('progress', { job: 'j', message: 'half', percent: 50 });
  problems.set('disk', undefined);
  controller.abort();
  states.set('c', 'running');
  problems.set('disk', 'the disk is full');
  for await (const line of createInterface({ input: stream })) lines.push(JSON.parse(line));
  t.deepEqual(lines, [
    { guests: [known] },
    { problems: ['the disk is full'] },
    { guest: changed },
    { guest: added },
    { removed: 'b' },
    { progress: { job: 'j', message: 'half', percent: 50 } },
    { problems: [] },
  ]);
  t.is(states.listenerCount('changed'), 0);
});

test('closes at once while a client follows its events', async (t) => {
  const subAgent = new SubAgent({ name: 'vms', log: silentLog });
  const { port } = await subAgent.listen({ port: 0 });
  const response = await fetch(`http://127.0.0.1:${port}${EVENTS_PATH}`);
  const body = response.text();
  const startedAt = Date.now();
  await subAgent.close();
  t.is(await body, '{"guests":[]}\n');
  t.true(Date.now() - startedAt < 3000, `${Date.now() - startedAt} ms`);
});

test('removes its listeners when a follower disconnects', async (t) => {
  const guestStates = new GuestStates();
  const subAgent = new SubAgent({ name: 'vms', log: silentLog, guestStates });
  t.teardown(() => subAgent.close());
  const { port } = await subAgent.listen({ port: 0 });
  const controller = new AbortController();
  const { body } = await fetch(`http://127.0.0.1:${port}${EVENTS_PATH}`, { signal: controller.signal });
  await body?.getReader().read();
  t.is(guestStates.listenerCount('changed'), 1);
  controller.abort();
  await until('it is forgotten', () => guestStates.listenerCount('changed') === 0);
});
