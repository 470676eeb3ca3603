import test from 'ava';
import { getHealth } from '../../../../handlers/health/healthz.js';
import { getReadiness } from '../../../../handlers/health/readyz.js';
import { event, rejection, startTestAgent } from '../../../helpers/agent.js';

test('is ready when every sub-agent responds', async (t) => {
  const { context } = await startTestAgent(t);
  t.deepEqual(await getReadiness(event(), context), { status: 200, body: { status: 'ok' } });
});

test('is ready, and says what sub-agents could not do and retry', async (t) => {
  const { context } = await startTestAgent(t);
  const problems = () => new Map([['qemu', ['ports of 1 guest not removed yet']]]);
  const { body } = await getReadiness(event(), { ...context, problems });
  t.deepEqual(body, { status: 'ok', problems: { qemu: ['ports of 1 guest not removed yet'] } });
});

test('rejects with 503 and the names of sub-agents that do not respond', async (t) => {
  const { context } = await startTestAgent(t);
  const services = () =>
    new Map([
      ['storage', false],
      ['qemu', true],
      ['container', false],
    ]);
  t.like(await rejection(t, getReadiness(event(), { ...context, services })), {
    code: 503,
    message: 'not ready: no response from storage, container',
  });
});

test('rejects with 503 while the agent is stopping, although it is still alive', async (t) => {
  const { context } = await startTestAgent(t);
  await context.runtime.queue.drain(0);
  t.like(await rejection(t, getReadiness(event(), context)), {
    code: 503,
    message: 'not ready: the agent is stopping',
  });
  t.deepEqual(await getHealth(), { status: 200, body: { status: 'ok' } });
});
