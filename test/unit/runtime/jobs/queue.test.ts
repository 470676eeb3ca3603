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

test('fails jobs queued behind a delete', async (t) => {
  const { opened, open } = gate();
  const { context, scripted } = await startTestAgent(t, {
    methods: {
      'Test.delete': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'shutoff' } };
      },
    },
  });
  const { id } = await addGuest(context);
  const params = { guestID: id };
  const deletion = await deleteGuest(event({ params }), context);
  const behind = await Promise.all([
    startGuest(event({ params }), context),
    deleteGuest(event({ params }), context),
  ]);
  open();
  t.is((await finished(context, deletion.headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  for (const { headers } of behind) {
    t.like(await finished(context, headers?.['X-Guest-Job-ID']), {
      Status: 'Error',
      Message: 'guest deleted',
    });
  }
  t.is(context.guests.find(id), undefined);
  t.is(scripted.requests('Test.start').length, 0);
  t.throws(() => context.guests.get(id), { message: `guest ${id}: not found` });
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
