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

const jobOf = ({ headers }: Reply): string => headers?.['X-Guest-Job-ID'] ?? '';

/** An agent whose `reboot` hangs in its sub-agent until it is broken off, and a guest that is rebooting. */
const startHanging = async (t: ExecutionContext) => {
  const brokenOff = gate();
  const agent = await startTestAgent(t, {
    methods: {
      'Test.reboot': (_request, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            brokenOff.open();
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
  return { context, scripted, params, id, hanging, brokenOff };
};

const cancel = (context: Parameters<typeof cancelJob>[1], jobID: string) =>
  cancelJob(event({ params: { jobID } }), context);

test('a job that waits is cancelled at once and never runs', async (t) => {
  const { context, scripted, params, hanging } = await startHanging(t);
  const waiting = jobOf(await startGuest(event({ params }), context));
  t.like(await cancel(context, waiting), { status: 200, body: { Status: 'Error', Message: 'cancelled' } });
  await cancel(context, hanging);
  t.is(scripted.requests('Test.start').length, 0);
});

test('a job that runs is cancelled: its sub-agent is told, and what waits behind it runs', async (t) => {
  const { context, params, hanging, brokenOff } = await startHanging(t);
  const behind = jobOf(await startGuest(event({ params }), context));
  t.like(await cancel(context, hanging), { body: { Status: 'Error', Message: 'cancelled' } });
  await brokenOff.opened;
  t.is((await finished(context, behind)).Status, 'Complete');
});

test('a job that has ended cannot be cancelled, one that is unknown is not found', async (t) => {
  const { context, hanging } = await startHanging(t);
  await cancel(context, hanging);
  await t.throwsAsync(cancel(context, hanging), { message: /has already ended: its status is Error/ });
  await t.throwsAsync(cancel(context, crypto.randomUUID()), { message: /not found/ });
});

test('a poweroff ends a hung action, and nothing that was asked before it brings the guest up again', async (t) => {
  const { context, scripted, params, hanging, brokenOff } = await startHanging(t);
  const older = jobOf(await startGuest(event({ params }), context));
  const snapshot = jobOf(await createSnapshot(event({ params, query: {}, payload: null }), context));
  const poweroff = jobOf(await powerOffGuest(event({ params }), context));
  t.like(await finished(context, older), { Status: 'Error', Message: 'superseded by poweroff' });
  t.like(await finished(context, hanging), { Status: 'Error', Message: 'superseded by poweroff' });
  await brokenOff.opened;
  t.is((await finished(context, poweroff)).Status, 'Complete');
  t.is((await finished(context, snapshot)).Status, 'Complete', 'a snapshot can wait');
  t.is(scripted.requests('Test.start').length, 0);
});

test('a delete ends a hung action, and what waited ends with the guest', async (t) => {
  const { context, scripted, params, id, hanging } = await startHanging(t);
  const older = jobOf(await suspendGuest(event({ params }), context));
  const deletion = jobOf(await deleteGuest(event({ params }), context));
  t.like(await finished(context, hanging), { Status: 'Error', Message: 'superseded by delete' });
  t.is((await finished(context, deletion)).Status, 'Complete');
  t.like(await finished(context, older), { Status: 'Error', Message: 'guest deleted' });
  t.is(scripted.requests('Test.suspend').length, 0);
  t.is(context.guests.find(id), undefined);
});

test('an agent that drains takes no new actions, lets what runs end, and leaves what waits on disk', async (t) => {
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

test('a drain does not wait for ever: what still runs is left to the next start', async (t) => {
  const { context, hanging } = await startHanging(t);
  await context.runtime.queue.drain(50);
  t.is(context.jobs.get(hanging).Status, 'Running');
});

test('many poweroffs at once are all accepted while there is room, and none is lost', async (t) => {
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

test('poweroffs have a queue limit, too', async (t) => {
  const { context, params } = await startHanging(t);
  const replies = await Promise.allSettled(
    Array.from({ length: 120 }, () => powerOffGuest(event({ params }), context)),
  );
  t.is(replies.filter(({ status }) => status === 'fulfilled').length, 110);
});

test('a job that waits for room at its service is cancelled at once', async (t) => {
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
