import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createGuest } from '../../../handlers/guests/create.js';
import { fetchImage } from '../../../handlers/images/fetch.js';
import { addGuest, event, finished, startTestAgent } from '../../helpers/agent.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G23.

test('keeps guests, metadata and the job log across a restart', async (t) => {
  const first = await startTestAgent(t);
  await first.context.metadata.patch({ rack: 'r1' });
  const { headers, body } = await createGuest(
    event({ payload: { metadata: { 'a.b': '1' } } }),
    first.context,
  );
  const job = await finished(first.context, headers?.['X-Guest-Job-ID']);
  await first.stop();
  const { context } = await startTestAgent(t, { dbpath: first.dbpath });
  t.deepEqual(context.metadata.all(), { rack: 'r1' });
  t.deepEqual(context.guests.list(), [{ id: body.id, state: 'running', metadata: { 'a.b': '1' } }]);
  t.deepEqual(context.jobs.list(), [job]);
});

test('sets state error, and cleans up, when a crash interrupted a create', async (t) => {
  const first = await startTestAgent(t);
  const { id } = await addGuest(first.context, { state: 'create', memory: 64 });
  await first.stop();
  const { context, scripted } = await startTestAgent(t, { dbpath: first.dbpath });
  await until('it is in state error', () => context.guests.get(id).state === 'error');
  t.deepEqual(context.guests.get(id), { id, state: 'error', memory: 64 });
  t.deepEqual(
    scripted.calls.map(({ method, request }) => [method, request.guest.id]),
    [['Test.delete', id]],
  );
});

/** A sub-agent that records a call, never responds to it, and on SIGTERM drops it some time before it exits. */
const HANGING = `
  const serve = ({ method }, response) => {
    if (method === 'POST') require('fs').writeFileSync(process.argv[1], '');
    else response.writeHead(404).end();
  };
  const server = require('http').createServer(serve).listen(process.env.MISTIFY_SOCKET);
  process.on('SIGTERM', () => {
    server.closeAllConnections();
    setTimeout(process.exit, 300);
  });`;

/** Starts an agent with a sub-agent in which an action hangs. */
const startHanging = async (t: ExecutionContext, action: string) => {
  const directory = await tempDir(t);
  const called = join(directory, 'called');
  const agent = await startTestAgent(t, {
    services: {
      hanging: { socket: join(directory, 'sock'), command: [process.execPath, '-e', HANGING, called] },
    },
    actions: { [action]: [{ service: 'hanging', idempotent: true }] },
  });
  return { agent, hangs: () => until('it hangs', () => existsSync(called)) };
};

test('resumes, at the next start, a job that was running when the agent stopped', async (t) => {
  const { agent, hangs } = await startHanging(t, 'fetchImage');
  const { headers } = await fetchImage(event({ payload: { id: 'i', source: 'http://i' } }), agent.context);
  await hangs();
  await agent.stop();
  const { context } = await startTestAgent(t, {
    dbpath: agent.dbpath,
    actions: { fetchImage: [{ idempotent: true }] },
  });
  t.like(await finished(context, headers?.['X-Guest-Job-ID']), { Status: 'Complete', Message: '' });
});

test('resumes a create at the next start, without cleaning it up at the stop', async (t) => {
  const { agent, hangs } = await startHanging(t, 'create');
  const { headers, body } = await createGuest(event({ payload: { memory: 64 } }), agent.context);
  await hangs();
  await agent.stop();
  t.deepEqual(agent.scripted.calls, []);
  t.is(agent.context.guests.get(body.id).state, 'create');
  const { context, scripted } = await startTestAgent(t, {
    dbpath: agent.dbpath,
    actions: { create: [{ idempotent: true }] },
  });
  t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.is(context.guests.get(body.id).state, 'running');
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.create'],
  );
});
