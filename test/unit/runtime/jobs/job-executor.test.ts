import '../../../helpers/faulty-disk.js';

import test, { type ExecutionContext } from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import { suspendGuest } from '../../../../handlers/guests/suspend.js';
import { cancelJob } from '../../../../handlers/jobs/cancel.js';
import type { Reply } from '../../../../lib/model/endpoint.js';
import { addGuest, event, finished, startTestAgent } from '../../../helpers/agent.js';
import { withFaults } from '../../../helpers/faulty-disk.js';
import { gate, until } from '../../../helpers/wait.js';

// Guarantees: G11.

const jobOf = ({ headers }: Reply): string => headers?.['X-Guest-Job-ID'] ?? '';

/** Starts an agent with a guest whose `start` continues once `open` is called. */
const startSlowly = async (t: ExecutionContext) => {
  const { opened, open } = gate();
  const { context, dbpath, scripted } = await startTestAgent(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'running' } };
      },
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff' });
  const params = { guestID: id };
  const reply = startGuest(event({ params, query: { wait: 60 } }), context);
  reply.catch(() => {});
  await until('it runs', () => scripted.requests('Test.start').length === 1);
  const started = context.jobs.list({ guestId: id })[0]?.ID ?? '';
  return { context, dbpath, scripted, id, params, started, reply, open };
};

/** Fails every write to a file while `work` runs; `work` gets a function that waits for another failure. */
const whileFull = <T>(
  directory: string,
  name: string,
  work: (another: () => Promise<unknown>) => Promise<T>,
): Promise<T> => {
  let failed = 0;
  const another = (): Promise<unknown> => {
    const before = failed;
    return until('a write fails', () => failed > before);
  };
  return withFaults(
    directory,
    (operation, file) => {
      if (operation !== 'append' || file !== name) return undefined;
      failed += 1;
      return { code: 'ENOSPC', written: 0 };
    },
    () => work(another),
  );
};

test('completes a job once the disk has room, and only then runs the next', async (t) => {
  const { context, dbpath, scripted, params, started, reply, open } = await startSlowly(t);
  const next = jobOf(await suspendGuest(event({ params }), context));
  await whileFull(dbpath, 'jobs.db', async (another) => {
    open();
    await another();
    await another();
    t.is(context.jobs.get(started).Status, 'Running');
    t.is(context.jobs.get(next).Status, 'Queued');
  });
  t.like(await reply, { status: 200, body: { state: 'running' } });
  t.like(context.jobs.get(started), { Status: 'Complete', Message: '' });
  t.is((await finished(context, next)).Status, 'Complete');
  t.deepEqual(
    scripted.calls.map(({ method }) => method),
    ['Test.start', 'Test.suspend'],
  );
});

test('fails a job whose start cannot be written', async (t) => {
  const { context, dbpath, scripted, params, started, open } = await startSlowly(t);
  const next = jobOf(await suspendGuest(event({ params }), context));
  let appends = 0;
  /** Writes the end of the first job; fails the start of the next, and its end for a while. */
  const failAfterFirst = () => {
    appends += 1;
    return appends >= 2 && appends <= 5 ? ({ code: 'EIO', written: 0 } as const) : undefined;
  };
  const judge: Parameters<typeof withFaults>[1] = (operation, file) =>
    operation === 'append' && file === 'jobs.db' ? failAfterFirst() : undefined;
  await withFaults(dbpath, judge, async () => {
    open();
    t.is((await finished(context, started)).Status, 'Complete');
    t.like(await finished(context, next), {
      Status: 'Error',
      Message: "the agent's state could not be written (EIO): nothing was changed",
    });
  });
  t.is(scripted.requests('Test.suspend').length, 0);
});

test('reports that the status of a job cancelled on a full disk is late; the job never runs', async (t) => {
  const { context, dbpath, scripted, params, started, open } = await startSlowly(t);
  const waiting = jobOf(await suspendGuest(event({ params }), context));
  const cancel = (jobID: string) => cancelJob(event({ params: { jobID }, query: {} }), context);
  await whileFull(dbpath, 'jobs.db', async () => {
    for (const job of [waiting, waiting, started])
      t.like(await t.throwsAsync(cancel(job)), {
        kind: 'disk_full',
        message: `job ${job} has ended, but its status does not show it yet: the disk of the agent's state is full; retrying`,
      });
  });
  open();
  for (const job of [waiting, started])
    t.like(await finished(context, job), { Status: 'Error', Message: 'cancelled' });
  t.is(scripted.requests('Test.suspend').length, 0);
});

test('reports a cancellation to a waiting client only once it is on disk', async (t) => {
  const { context, dbpath, params, open } = await startSlowly(t);
  let hasReplied = false;
  const reply = suspendGuest(event({ params, query: { wait: 60 } }), context).catch((error: unknown) => {
    hasReplied = true;
    return error;
  });
  const waiting = await until('it is queued', () =>
    context.jobs.list().find(({ Action }) => Action === 'suspend'),
  );
  await whileFull(dbpath, 'jobs.db', async (another) => {
    await t.throwsAsync(cancelJob(event({ params: { jobID: waiting.ID }, query: {} }), context));
    await another();
    t.false(hasReplied);
  });
  t.like(await reply, { kind: 'conflict', message: 'cancelled' });
  open();
});

test('sets state error after a failed create once the disk has room', async (t) => {
  const { opened, open } = gate();
  const { context, dbpath } = await startTestAgent(t, {
    methods: {
      'Test.create': async () => {
        await opened;
        throw new Error('no such bridge: br7');
      },
      'Test.delete': () => {
        throw new Error('there is no such guest');
      },
    },
  });
  const { headers, body } = await createGuest(event({ payload: { memory: 64 } }), context);
  const jobID = headers?.['X-Guest-Job-ID'] ?? '';
  await whileFull(dbpath, 'guests.db', async (another) => {
    open();
    await another();
    t.like(await t.throwsAsync(cancelJob(event({ params: { jobID }, query: {} }), context)), {
      kind: 'disk_full',
    });
  });
  t.like(await finished(context, jobID), { Status: 'Error', Message: 'test: no such bridge: br7' });
  t.is(context.guests.get(body.id).state, 'error');
});

test('does not claim that an action interrupted by a full disk changed nothing', async (t) => {
  const { context, dbpath, started, reply, open } = await startSlowly(t);
  await whileFull(dbpath, 'guests.db', async () => {
    open();
    const message = "interrupted: the disk of the agent's state is full";
    t.like(await finished(context, started), { Status: 'Error', Message: message });
    t.like(await t.throwsAsync(reply), { kind: 'disk_full', message });
  });
});
