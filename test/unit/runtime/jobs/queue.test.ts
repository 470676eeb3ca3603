import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import { deleteGuest } from '../../../../handlers/guests/delete.js';
import { patchGuestMetadata } from '../../../../handlers/guests/metadata/patch.js';
import { getCpuMetrics } from '../../../../handlers/guests/metrics/cpu.js';
import { rebootGuest } from '../../../../handlers/guests/reboot.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import { suspendGuest } from '../../../../handlers/guests/suspend.js';
import { cancelJob } from '../../../../handlers/jobs/cancel.js';
import type { GuestRequest } from '../../../../lib/rpc/protocol/guest-messages.js';
import { addGuest, event, finished, startTestAgent } from '../../../helpers/agent.js';
import { gate, until } from '../../../helpers/wait.js';

test("runs a guest's actions one at a time, in order, and those of other guests in parallel", async (t) => {
  const { opened, open } = gate();
  const { context, scripted } = await startTestAgent(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest };
      },
    },
  });
  const [one, two] = [await addGuest(context), await addGuest(context)];
  const params = { guestID: one.id };
  const replies = await Promise.all([
    startGuest(event({ params }), context),
    suspendGuest(event({ params }), context),
    rebootGuest(event({ params }), context),
  ]);
  const other = await suspendGuest(event({ params: { guestID: two.id } }), context);
  t.is((await finished(context, other.headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.deepEqual(
    context.jobs.list({ guestId: one.id }).map(({ Action, Status }) => [Action, Status]),
    [
      ['reboot', 'Queued'],
      ['suspend', 'Queued'],
      ['start', 'Running'],
    ],
  );
  open();
  for (const { headers } of replies)
    t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.deepEqual(
    scripted.calls.filter(({ request }) => request.guest.id === one.id).map(({ method }) => method),
    ['Test.start', 'Test.suspend', 'Test.reboot'],
  );
});

test('starts a job only after the end of the previous one is in the job log', async (t) => {
  const seen: string[] = [];
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.start': () => {
        throw new Error('no');
      },
      'Test.suspend': ({ guest }) => {
        seen.push(...context.jobs.list({ guestId: guest.id }).map(({ Status }) => Status));
        return { guest };
      },
    },
  });
  const params = { guestID: (await addGuest(context)).id };
  await startGuest(event({ params }), context);
  const { headers } = await suspendGuest(event({ params }), context);
  await finished(context, headers?.['X-Guest-Job-ID']);
  t.deepEqual(seen, ['Running', 'Error']);
});

test('runs info actions outside the queue', async (t) => {
  const { opened, open } = gate();
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest };
      },
    },
  });
  const params = { guestID: (await addGuest(context)).id };
  const { headers } = await startGuest(event({ params }), context);
  t.is((await getCpuMetrics(event({ params }), context)).status, 200);
  open();
  await finished(context, headers?.['X-Guest-Job-ID']);
});

test('keeps a metadata patch that is made while an action runs', async (t) => {
  const { opened, open } = gate();
  const { context, scripted } = await startTestAgent(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'running', metadata: { ...guest.metadata, host: 'h1' } } };
      },
    },
  });
  const { id } = await addGuest(context, { metadata: { owner: 'ops', note: 'x' } });
  const params = { guestID: id };
  const { headers } = await startGuest(event({ params }), context);
  await until('it runs', () => scripted.requests('Test.start').length === 1);
  await patchGuestMetadata(event({ params, payload: { owner: 'dev', note: null, added: '1' } }), context);
  open();
  await finished(context, headers?.['X-Guest-Job-ID']);
  t.deepEqual(context.guests.get(id).metadata, { owner: 'dev', added: '1', host: 'h1' });
});

/** A `Test.delete` that waits until `open` is called. */
const slowDelete = () => {
  const { opened, open } = gate();
  const methods = {
    'Test.delete': async ({ guest }: GuestRequest) => {
      await opened;
      return { guest: { ...guest, state: 'shutoff' } };
    },
  };
  return { open, methods };
};

test('fails jobs queued behind a delete', async (t) => {
  const { open, methods } = slowDelete();
  const { context, scripted } = await startTestAgent(t, { methods });
  const { id } = await addGuest(context);
  const params = { guestID: id };
  const deletion = await deleteGuest(event({ params }), context);
  const behind = await startGuest(event({ params }), context);
  open();
  t.is((await finished(context, deletion.headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.like(await finished(context, behind.headers?.['X-Guest-Job-ID']), {
    Status: 'Error',
    Message: 'guest deleted',
  });
  t.is(context.guests.find(id), undefined);
  t.is(scripted.requests('Test.start').length, 0);
  t.throws(() => context.guests.get(id), { message: `guest ${id}: not found` });
});

test('several deletes of one guest get the same job, and the same result', async (t) => {
  const { open, methods } = slowDelete();
  const { context, scripted } = await startTestAgent(t, { methods });
  const params = { guestID: (await addGuest(context)).id };
  const remove = (wait?: number) =>
    deleteGuest(event({ params, query: wait === undefined ? {} : { wait } }), context);
  const waiting = [remove(60), remove(60)];
  const atOnce = await Promise.all([remove(), remove()]);
  await until('it runs', () => scripted.requests('Test.delete').length === 1);
  const replies = [...atOnce, await remove()];
  t.deepEqual(new Set(replies.map(({ status }) => status)), new Set([202]));
  t.is(new Set(replies.map(({ headers }) => headers?.['X-Guest-Job-ID'])).size, 1);
  open();
  const [one, other] = await Promise.all(waiting);
  t.like(one, { status: 200, body: { state: 'shutoff' } });
  t.deepEqual(one, other);
  t.is(scripted.requests('Test.delete').length, 1);
});

test('a delete after one that was cancelled gets a job of its own', async (t) => {
  const { open, methods } = slowDelete();
  const { context } = await startTestAgent(t, { methods });
  const params = { guestID: (await addGuest(context)).id };
  const first = (await deleteGuest(event({ params }), context)).headers?.['X-Guest-Job-ID'];
  const cancelled = cancelJob(event({ params: { jobID: first ?? '' }, query: {} }), context);
  const second = (await deleteGuest(event({ params }), context)).headers?.['X-Guest-Job-ID'];
  await cancelled;
  open();
  t.not(second, first);
  t.is((await finished(context, second)).Status, 'Complete');
  t.is((await finished(context, first)).Status, 'Error');
});

test('keeps the guest after a failed delete and runs the next job', async (t) => {
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.delete': () => {
        throw new Error('busy');
      },
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff' });
  const params = { guestID: id };
  const deletion = await deleteGuest(event({ params }), context);
  const { headers } = await startGuest(event({ params }), context);
  t.like(await finished(context, deletion.headers?.['X-Guest-Job-ID']), { Message: 'test: busy' });
  t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.is(context.guests.get(id).state, 'running');
});

test('fails requests, not the process, when the job log cannot be written', async (t) => {
  const { opened, open } = gate();
  const { context, dbpath, scripted } = await startTestAgent(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest };
      },
    },
  });
  const params = { guestID: (await addGuest(context)).id };
  await startGuest(event({ params }), context);
  await until('it runs', () => scripted.requests('Test.start').length === 1);
  await rm(join(dbpath, 'jobs.db'));
  await mkdir(join(dbpath, 'jobs.db'));
  open();
  await t.throwsAsync(suspendGuest(event({ params }), context), { message: /EISDIR/ });
  await t.throwsAsync(createGuest(event({ payload: {} }), context), { message: /EISDIR/ });
  t.is(context.guests.list().length, 1);
});
