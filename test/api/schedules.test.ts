import test, { type ExecutionContext } from 'ava';
import type { Context } from '../../lib/agent/context.js';
import type { LooseGuest } from '../../lib/model/guest.js';
import type { ScheduleDetails } from '../../lib/model/schedule.js';
import { addGuest } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { KeptSnapshots } from '../helpers/kept-snapshots.js';
import { gate, until } from '../helpers/wait.js';

const NIGHTLY = { name: 'nightly', guests: { all: true }, cron: '30 2 * * *', timezone: 'UTC' };

const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

const addVm = (context: Context, guest: LooseGuest = {}) => addGuest(context, { disks: [DISK], ...guest });

const serve = async (t: ExecutionContext) => {
  const snapshots = new KeptSnapshots();
  const api = await serveApi(t, { methods: snapshots.methods });
  return { ...api, snapshots };
};

const create = async ({ call }: Pick<Api, 'call'>, spec: object = {}): Promise<ScheduleDetails> =>
  (await call('POST', '/schedules', { ...NIGHTLY, ...spec })).body as ScheduleDetails;

/** Waits until no guest of a schedule has a run under way. */
const ended = ({ call }: Pick<Api, 'call'>, id: string): Promise<ScheduleDetails> =>
  until('the run has ended', async () => {
    const schedule = (await call('GET', `/schedules/${id}`)).body as ScheduleDetails;
    return schedule.last && schedule.last.outcome !== 'running' ? schedule : undefined;
  });

test('a new schedule has defaults for what it does not say, and a next time', async (t) => {
  const api = await serve(t);
  const { id, next, ...schedule } = await create(api, { timezone: undefined });
  t.deepEqual(schedule, {
    ...NIGHTLY,
    action: 'snapshot',
    missed: 'run',
    enabled: true,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    status: [],
  });
  t.true(Date.parse(next ?? '') > Date.now());
  const { status: _, ...listed } = { id, next, ...schedule };
  t.deepEqual((await api.call('GET', '/schedules')).body, [listed]);
});

for (const [spec, status, message] of [
  [{ cron: 'tomorrow' }, 400, /^"cron" cannot be used: "tomorrow": give five fields/],
  [{ cron: '0 0 30 2 *' }, 400, /it never fires/],
  [{ cron: '99 2 * * *' }, 400, /Invalid value for minute: 99/],
  [{ timezone: 'Europe/Atlantis' }, 400, /"timezone" must be a name of the IANA database/],
  [{ guests: {} }, 400, /^"guests" names no guest: give ids, tags, or all: true/],
  [{ guests: { all: true, tags: ['a'] } }, 400, /give either all: true, or ids and tags/],
  [
    { guests: { ids: ['7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10'] } },
    400,
    /names guest 7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10, which does not exist/,
  ],
  [{ name: 'with space' }, 400, /"name" must consist of letters, digits and _ \. -, got "with space"/],
  [{ keep: {} }, 400, /"keep" names no rule: give last, hourly, daily, weekly, monthly/],
  [{ keep: { daily: 0 } }, 400, /"keep\.daily" must be at least 1, got 0/],
  [{ action: 'dance' }, 400, /"action" must be one of/],
  [{ missed: 'maybe' }, 400, /"missed" must be one of run, skip, got "maybe"/],
] as const)
  test(`rejects a schedule with ${JSON.stringify(spec)}`, async (t) => {
    const { call, context } = await serve(t);
    const response = await call('POST', '/schedules', { ...NIGHTLY, ...spec });
    t.is(response.status, status);
    t.regex((response.body as { message: string }).message, message);
    t.deepEqual(context.schedules.list(), []);
  });

test('rejects a container by its id', async (t) => {
  const { call, context } = await serve(t);
  const { id } = await addGuest(context, { type: 'container' });
  const { status, body } = await call('POST', '/schedules', { ...NIGHTLY, guests: { ids: [id] } });
  t.is(status, 400);
  t.regex(
    (body as { message: string }).message,
    /names guest .*, a container: schedules are for virtual machines/,
  );
});

test('a name belongs to one schedule, so that a repeated request creates no second one', async (t) => {
  const api = await serve(t);
  const { id } = await create(api);
  const { status, body } = await api.call('POST', '/schedules', NIGHTLY);
  t.is(status, 409);
  t.is(
    (body as { message: string }).message,
    `schedule ${id} has the name "nightly": choose another, or rename that schedule`,
  );
});

test('a dry run of a creation checks it and creates nothing', async (t) => {
  const { call, context } = await serve(t);
  t.is((await call('POST', '/schedules?dryRun=true', NIGHTLY)).status, 200);
  t.is((await call('POST', '/schedules?dryRun=true', { ...NIGHTLY, cron: 'x' })).status, 400);
  t.deepEqual(context.schedules.list(), []);
});

test('PATCH changes the keys that it names; null removes a rule, or returns to the default', async (t) => {
  const api = await serve(t);
  const { id } = await create(api, { keep: { daily: 7, weekly: 4 }, missed: 'skip' });
  const { body } = await api.call('PATCH', `/schedules/${id}`, {
    cron: '@weekly',
    keep: { daily: null, monthly: 3 },
    guests: { all: null, tags: ['production'] },
    missed: null,
    enabled: false,
  });
  t.like(body, { cron: '@weekly', guests: { tags: ['production'] }, missed: 'run', enabled: false });
  t.deepEqual((body as ScheduleDetails).keep, { weekly: 4, monthly: 3 });
  t.is((body as ScheduleDetails).next, undefined);
  const { keep } = (await api.call('PATCH', `/schedules/${id}`, { keep: null })).body as ScheduleDetails;
  t.is(keep, undefined);
});

test('PATCH rejects what cannot be changed, and what would not work', async (t) => {
  const api = await serve(t);
  const { id } = await create(api);
  for (const [patch, message] of [
    [{ action: 'snapshot' }, /"action" cannot be changed here: .*create another schedule/],
    [{ colour: 'red' }, /"colour" is not a key of a schedule that can be changed: choose from name, /],
    [{ guests: { all: null } }, /^"guests" names no guest/],
    [{ cron: '0 0 31 4 *' }, /it never fires/],
  ] as const) {
    const { status, body } = await api.call('PATCH', `/schedules/${id}`, patch);
    t.is(status, 400);
    t.regex((body as { message: string }).message, message);
  }
});

test('a run that is asked for makes snapshots at once, and shows them', async (t) => {
  const api = await serve(t);
  const { id: guest } = await addVm(api.context);
  const { id } = await create(api, { enabled: false });
  t.is((await api.call('POST', `/schedules/${id}/run?dryRun=true`)).status, 200);
  const begun = (await api.call('POST', `/schedules/${id}/run`)).body as ScheduleDetails;
  t.like(begun.last, { outcome: 'running', guests: { running: 1, success: 0, error: 0 } });
  const { last, status } = await ended(api, id);
  t.is(last?.outcome, 'success');
  t.like(status, [{ guest, run: { cause: 'request', outcome: 'success' }, kept: api.snapshots.of(guest) }]);
  t.is(api.snapshots.made.length, 1);
  const job = api.context.jobs.get(status[0]?.run?.job ?? '');
  t.like(job, { Action: 'createSnapshot', Cause: 'schedule', GuestID: guest });
});

test('a run is refused while all guests have one under way, and when there is no guest', async (t) => {
  const api = await serve(t);
  const { id } = await create(api);
  const none = await api.call('POST', `/schedules/${id}/run`);
  t.is(none.status, 409);
  t.regex((none.body as { message: string }).message, /schedule "nightly" has no guests now/);
  await addVm(api.context);
  const held = gate();
  api.snapshots.before = () => held.opened;
  await api.call('POST', `/schedules/${id}/run`);
  const again = await api.call('POST', `/schedules/${id}/run`);
  t.is(again.status, 409);
  t.regex((again.body as { message: string }).message, /still runs for all of its guests/);
  held.open();
  await ended(api, id);
});

test('a dry run of a change shows what its retention would delete', async (t) => {
  const api = await serve(t);
  const { id: guest } = await addVm(api.context);
  const { id } = await create(api);
  for (const count of [1, 2, 3]) {
    await api.call('POST', `/schedules/${id}/run`);
    await until('the run has ended', async () => (await ended(api, id)).status[0]?.kept.length === count);
  }
  const { body } = await api.call('PATCH', `/schedules/${id}?dryRun=true`, { keep: { last: 1 } });
  t.deepEqual((body as ScheduleDetails).status[0]?.expired, api.snapshots.of(guest).slice(0, 2));
  t.deepEqual(((await api.call('GET', `/schedules/${id}`)).body as ScheduleDetails).status[0]?.expired, []);
});

test('DELETE removes the schedule and leaves its snapshots', async (t) => {
  const api = await serve(t);
  const { id: guest } = await addVm(api.context);
  const { id } = await create(api);
  await api.call('POST', `/schedules/${id}/run`);
  await ended(api, id);
  t.is((await api.call('DELETE', `/schedules/${id}?dryRun=true`)).status, 200);
  t.is((await api.call('DELETE', `/schedules/${id}`)).status, 200);
  t.is((await api.call('GET', `/schedules/${id}`)).status, 404);
  t.is(api.snapshots.of(guest).length, 1);
});

test('outcomes are events, also among those of one guest, and metrics', async (t) => {
  const api = await serve(t);
  const { id: guest } = await addVm(api.context, { metadata: { name: 'web' } });
  const { id } = await create(api);
  await api.call('POST', `/schedules/${id}/run`);
  await ended(api, id);
  const all = (await api.context.events.read(0)).events.map(({ body }) => body);
  const found = all.filter(({ kind }) => kind === 'schedule');
  t.like(found, [
    { change: 'created', id, schedule: { name: 'nightly' } },
    { change: 'ended', id, run: { guest, outcome: 'success' } },
  ]);
  const { text } = await api.call('GET', '/metrics');
  t.regex(text, /mistify_schedule_runs_total\{schedule="nightly",action="snapshot",outcome="success"\} 1/);
  const age = `mistify_schedule_good_age_seconds{schedule="nightly",action="snapshot",guest="${guest}",name="web"}`;
  t.true(text.includes(age), text);
});

test('says for a guest that had no good run how long it has been without one', async (t) => {
  const api = await serve(t);
  await addVm(api.context);
  api.snapshots.before = () => {
    throw new Error('no');
  };
  const { id } = await create(api);
  await api.call('POST', `/schedules/${id}/run`);
  t.is((await ended(api, id)).last?.outcome, 'error');
  const { text } = await api.call('GET', '/metrics');
  t.regex(text, /mistify_schedule_good_age_seconds\{.*\} [0-9.e-]+/);
});
