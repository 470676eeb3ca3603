import test, { type ExecutionContext } from 'ava';
import { deleteGuest } from '../../../../handlers/guests/delete.js';
import { powerOffGuest } from '../../../../handlers/guests/poweroff.js';
import { rebootGuest } from '../../../../handlers/guests/reboot.js';
import { createSnapshot } from '../../../../handlers/guests/snapshots/create.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import { suspendGuest } from '../../../../handlers/guests/suspend.js';
import { cancelJob } from '../../../../handlers/jobs/cancel.js';
import type { Reply } from '../../../../lib/model/endpoint.js';
import { addGuest, event, finished, startTestAgent } from '../../../helpers/agent.js';
import { gate, until } from '../../../helpers/wait.js';

// Guarantees: G23, G25.

const jobOf = ({ headers }: Reply): string => headers?.['X-Guest-Job-ID'] ?? '';

/** Starts an agent with a guest whose `reboot` hangs in its sub-agent until the call is aborted. */
const startHanging = async (t: ExecutionContext) => {
  const aborted = gate();
  const agent = await startTestAgent(t, {
    methods: {
      'Test.reboot': (_request, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.open();
            reject(signal.reason);
          });
        }),
    },
  });
  const { context, scripted } = agent;
  const { id } = await addGuest(context);
  const params = { guestID: id };
  const hanging = jobOf(await rebootGuest(event({ params }), context));
  await until('it hangs', () => scripted.requests('Test.reboot').length === 1);
  return { context, scripted, params, id, hanging, aborted };
};

const cancel = (context: Parameters<typeof cancelJob>[1], jobID: string) =>
  cancelJob(event({ params: { jobID } }), context);

test('cancels a waiting job at once; it never runs', async (t) => {
  const { context, scripted, params, hanging } = await startHanging(t);
  const waiting = jobOf(await startGuest(event({ params }), context));
  t.like(await cancel(context, waiting), { status: 200, body: { Status: 'Error', Message: 'cancelled' } });
  await cancel(context, hanging);
  t.is(scripted.requests('Test.start').length, 0);
});

test('cancels a running job: its call is aborted and the next job runs', async (t) => {
  const { context, params, hanging, aborted } = await startHanging(t);
  const behind = jobOf(await startGuest(event({ params }), context));
  t.like(await cancel(context, hanging), { body: { Status: 'Error', Message: 'cancelled' } });
  await aborted.opened;
  t.is((await finished(context, behind)).Status, 'Complete');
});

test('rejects cancelling an ended job or an unknown one', async (t) => {
  const { context, hanging } = await startHanging(t);
  await cancel(context, hanging);
  await t.throwsAsync(cancel(context, hanging), { message: /has already ended: its status is Error/ });
  await t.throwsAsync(cancel(context, crypto.randomUUID()), { message: /not found/ });
});

test('a poweroff cancels a hanging action and all waiting ones that would start the guest', async (t) => {
  const { context, scripted, params, hanging, aborted } = await startHanging(t);
  const older = jobOf(await startGuest(event({ params }), context));
  const snapshot = jobOf(await createSnapshot(event({ params, query: {}, payload: null }), context));
  const poweroff = jobOf(await powerOffGuest(event({ params }), context));
  t.like(await finished(context, older), { Status: 'Error', Message: 'superseded by poweroff' });
  t.like(await finished(context, hanging), { Status: 'Error', Message: 'superseded by poweroff' });
  await aborted.opened;
  t.is((await finished(context, poweroff)).Status, 'Complete');
  t.is((await finished(context, snapshot)).Status, 'Complete', 'the snapshot stays queued');
  t.is(scripted.requests('Test.start').length, 0);
});

test('a delete cancels a hanging action, and waiting ones when the guest is gone', async (t) => {
  const { context, scripted, params, id, hanging } = await startHanging(t);
  const older = jobOf(await suspendGuest(event({ params }), context));
  const deletion = jobOf(await deleteGuest(event({ params }), context));
  t.like(await finished(context, hanging), { Status: 'Error', Message: 'superseded by delete' });
  t.is((await finished(context, deletion)).Status, 'Complete');
  t.like(await finished(context, older), { Status: 'Error', Message: 'guest deleted' });
  t.is(scripted.requests('Test.suspend').length, 0);
  t.is(context.guests.find(id), undefined);
});

test('draining rejects new actions, waits for running ones and leaves waiting ones on disk', async (t) => {
  const { opened, open } = gate();
  const agent = await startTestAgent(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest };
      },
    },
  });
  const { context } = agent;
  const params = { guestID: (await addGuest(context)).id };
  const running = jobOf(await startGuest(event({ params }), context));
  const waiting = jobOf(await suspendGuest(event({ params }), context));
  const drained = agent.drain(10_000);
  await t.throwsAsync(rebootGuest(event({ params }), context), { message: /is stopping/ });
  open();
  await drained;
  t.is(context.jobs.get(running).Status, 'Complete');
  t.is(context.jobs.get(waiting).Status, 'Queued');
});

test('stops draining after the limit and leaves running jobs to the next start', async (t) => {
  const { context, hanging } = await startHanging(t);
  await context.runtime.queue.drain(50);
  t.is(context.jobs.get(hanging).Status, 'Running');
});

test('accepts 30 poweroffs at once', async (t) => {
  const { context, params } = await startHanging(t);
  const replies = await Promise.allSettled(
    Array.from({ length: 30 }, () => powerOffGuest(event({ params }), context)),
  );
  t.deepEqual(
    replies.filter(({ status }) => status === 'rejected'),
    [],
  );
  const jobs = context.jobs.list({ guestId: params.guestID }).filter(({ Action }) => Action === 'poweroff');
  t.is(jobs.length, 30);
});

test('limits the queued poweroffs', async (t) => {
  const { context, params } = await startHanging(t);
  const replies = await Promise.allSettled(
    Array.from({ length: 120 }, () => powerOffGuest(event({ params }), context)),
  );
  t.is(replies.filter(({ status }) => status === 'fulfilled').length, 110);
});

test('cancels a job that waits for room at its service at once', async (t) => {
  const hung = gate();
  const { context, scripted } = await startTestAgent(t, {
    service: { max_pending: 1 },
    methods: {
      'Test.start': async ({ guest }) => {
        await hung.opened;
        return { guest };
      },
    },
  });
  const [one, two] = [await addGuest(context), await addGuest(context)];
  await startGuest(event({ params: { guestID: one.id } }), context);
  await until('it hangs', () => scripted.requests('Test.start').length === 1);
  const waiting = jobOf(await suspendGuest(event({ params: { guestID: two.id } }), context));
  await until('it runs', () => context.jobs.get(waiting).Status === 'Running');
  t.like(await cancel(context, waiting), { body: { Status: 'Error', Message: 'cancelled' } });
  hung.open();
});
