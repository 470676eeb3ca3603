import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import type { GuestAction } from '../../../../lib/model/actions.js';
import { type Guest, normalizeGuest } from '../../../../lib/model/guest.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { JobLog } from '../../../../lib/store/job-log.js';
import type { Task } from '../../../../lib/store/logged-job.js';
import { event, finished, startTestAgent } from '../../../helpers/agent.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

// Guarantees: G2, G3.

interface LeftJob {
  action: string;
  task: Task;
  /** The stage that was running; absent when the job was waiting. */
  running?: number;
}

/** Writes the state that a killed agent leaves behind. */
const leaveBehind = async (t: ExecutionContext, guest: Partial<Guest>, left: LeftJob[]) => {
  const dbpath = await tempDir(t);
  const guests = await GuestStore.open(join(dbpath, 'guests.db'));
  await guests.insert(normalizeGuest({ state: 'running', ...guest, id: GUEST_ID }));
  const jobs = await JobLog.open(join(dbpath, 'jobs.db'));
  const ids: string[] = [];
  for (const { action, task, running } of left) {
    const { ID } = await jobs.add(GUEST_ID, action, task);
    ids.push(ID);
    if (running === undefined) continue;
    await jobs.start(ID);
    await jobs.enterStage(ID, running);
  }
  await Promise.all([guests.close(), jobs.close()]);
  return { dbpath, ids };
};

const guestTask = (name: 'create' | GuestAction): LeftJob => ({
  action: name,
  task: { kind: 'guest', name },
});

test('runs queued jobs in their order', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, {}, [
    guestTask('start'),
    guestTask('suspend'),
    guestTask('reboot'),
  ]);
  const { context, scripted } = await startTestAgent(t, { dbpath });
  for (const id of ids) t.is((await finished(context, id)).Status, 'Complete');
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.start', 'Test.suspend', 'Test.reboot'],
  );
});

test('repeats an interrupted reboot with the timeout and the force of its request', async (t) => {
  const args = { timeout: '90', force: 'true' };
  const { dbpath, ids } = await leaveBehind(t, {}, [
    { action: 'reboot', task: { kind: 'guest', name: 'reboot', args }, running: 0 },
  ]);
  const { context, scripted } = await startTestAgent(t, {
    dbpath,
    actions: { reboot: [{ idempotent: true }] },
  });
  t.is((await finished(context, ids[0])).Status, 'Complete');
  t.deepEqual(scripted.requests('Test.reboot')[0]?.args, args);
});

test('runs a waiting poweroff first and cancels what it preempts', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, {}, [
    guestTask('start'),
    guestTask('poweroff'),
    guestTask('suspend'),
  ]);
  const { context, scripted } = await startTestAgent(t, { dbpath });
  for (const id of ids) await finished(context, id);
  t.deepEqual(
    ids.map((id) => context.jobs.get(id).Message),
    ['superseded by poweroff', '', ''],
  );
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.poweroff', 'Test.suspend'],
  );
});

test('runs a queued snapshot with its original request', async (t) => {
  const request = { id: `guests/${GUEST_ID}`, dest: 's1', recursive: true, destroyMoreRecent: false };
  const task: Task = { kind: 'snapshot', request };
  const { dbpath, ids } = await leaveBehind(t, {}, [{ action: 'createSnapshot', task }]);
  const { context, scripted } = await startTestAgent(t, { dbpath });
  t.is((await finished(context, ids[0])).Status, 'Complete');
  t.deepEqual(scripted.calls.at(-1)?.request, request);
});

const echo = ({ guest }: { guest: Guest }) => ({ guest });

const threeStages = (idempotent: boolean) => ({
  actions: { start: [{ method: 'Test.one' }, { method: 'Test.two', idempotent }, { method: 'Test.three' }] },
  methods: { 'Test.one': echo, 'Test.two': echo, 'Test.three': echo } as const,
});

test('resumes a running job at its idempotent stage, as attempt 2', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, {}, [
    { ...guestTask('start'), running: 1 },
    guestTask('suspend'),
  ]);
  const { context, scripted } = await startTestAgent(t, { dbpath, ...threeStages(true) });
  for (const id of ids) t.is((await finished(context, id)).Status, 'Complete');
  t.deepEqual(
    scripted.calls.map(({ method }, call) => [
      method,
      scripted.stages[call]?.stage,
      scripted.stages[call]?.attempt,
    ]),
    [
      ['Test.two', 1, 2],
      ['Test.three', 2, 1],
      ['Test.suspend', 0, 1],
    ],
  );
});

test('fails a running job whose stage is not idempotent, and runs the next', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, {}, [
    { ...guestTask('start'), running: 1 },
    guestTask('suspend'),
  ]);
  const { context, scripted } = await startTestAgent(t, { dbpath, ...threeStages(false) });
  t.like(await finished(context, ids[0]), {
    Status: 'Error',
    Message: 'interrupted: the agent stopped during Test.two, which is not safe to repeat',
  });
  t.is((await finished(context, ids[1])).Status, 'Complete');
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.suspend'],
  );
});

test('cleans up an interrupted create and sets its guest to error', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, { state: 'create' }, [{ ...guestTask('create'), running: 0 }]);
  const { context, scripted } = await startTestAgent(t, { dbpath });
  t.is((await finished(context, ids[0])).Status, 'Error');
  t.is(context.guests.get(GUEST_ID).state, 'error');
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.delete'],
  );
});

test('sets state error for a guest whose create was never logged', async (t) => {
  const { dbpath } = await leaveBehind(t, { state: 'create' }, []);
  const { context } = await startTestAgent(t, { dbpath });
  await until('it is in state error', () => context.guests.get(GUEST_ID).state === 'error');
  t.pass();
});

test('fails a job whose action is no longer configured', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, {}, [guestTask('reboot')]);
  const { context } = await startTestAgent(t, { dbpath, actions: { reboot: undefined } });
  t.like(await finished(context, ids[0]), {
    Status: 'Error',
    Message: 'interrupted, and reboot is no longer configured',
  });
});

test('keeps a guest whose create completed without a state', async (t) => {
  const first = await startTestAgent(t, {
    methods: { 'Test.create': ({ guest }) => ({ guest: { id: guest.id } }) },
  });
  const { headers, body } = await createGuest(event({ payload: { memory: 64 } }), first.context);
  t.is((await finished(first.context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.is(first.context.guests.get(body.id).state, 'unknown');
  await first.stop();
  const { context, scripted } = await startTestAgent(t, { dbpath: first.dbpath });
  t.is(context.guests.get(body.id).state, 'unknown');
  t.deepEqual(scripted.calls, []);
});
