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

interface Left {
  action: string;
  task: Task;
  /** The stage it was running; absent when it waited. */
  running?: number;
}

/** The state that an agent left behind when it was killed. */
const leaveBehind = async (t: ExecutionContext, guest: Partial<Guest>, left: Left[]) => {
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

const guestTask = (name: 'create' | GuestAction): Left => ({
  action: name,
  task: { kind: 'guest', name },
});

test('what was queued runs after a restart, in the order it was asked for', async (t) => {
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

test('a poweroff that waited goes ahead after a restart, and what it had overruled does not run', async (t) => {
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

test('a queued snapshot is taken after a restart, as it was asked for', async (t) => {
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

test('what was running goes on at its stage when that may be run twice, and the sub-agent is told', async (t) => {
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

test('what was running ends in error when its stage may not be run twice; what waited behind it runs', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, {}, [
    { ...guestTask('start'), running: 1 },
    guestTask('suspend'),
  ]);
  const { context, scripted } = await startTestAgent(t, { dbpath, ...threeStages(false) });
  t.like(await finished(context, ids[0]), {
    Status: 'Error',
    Message: 'interrupted: the agent was stopped while Test.two ran, which may not be run twice',
  });
  t.is((await finished(context, ids[1])).Status, 'Complete');
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.suspend'],
  );
});

test('an interrupted create is undone, and its guest is in state error', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, { state: 'create' }, [{ ...guestTask('create'), running: 0 }]);
  const { context, scripted } = await startTestAgent(t, { dbpath });
  t.is((await finished(context, ids[0])).Status, 'Error');
  t.is(context.guests.get(GUEST_ID).state, 'error');
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.delete'],
  );
});

test('a guest whose creation was never logged is in state error', async (t) => {
  const { dbpath } = await leaveBehind(t, { state: 'create' }, []);
  const { context } = await startTestAgent(t, { dbpath });
  await until('it is settled', () => context.guests.get(GUEST_ID).state === 'error');
  t.pass();
});

test('a job whose action is no longer configured ends in error', async (t) => {
  const { dbpath, ids } = await leaveBehind(t, {}, [guestTask('reboot')]);
  const { context } = await startTestAgent(t, { dbpath, actions: { reboot: undefined } });
  t.like(await finished(context, ids[0]), {
    Status: 'Error',
    Message: 'interrupted, and reboot is no longer configured',
  });
});

test('a guest that was created without a word about its state is not undone by a restart', async (t) => {
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
