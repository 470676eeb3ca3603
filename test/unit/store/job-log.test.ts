import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NO_TIME } from '../../../lib/model/job.js';
import { jobSchema } from '../../../lib/model/job-schema.js';
import { JobLog } from '../../../lib/store/job-log.js';
import type { LoggedJob } from '../../../lib/store/logged-job.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

/** Opens a log that is closed when the test ends. */
const openLog = async (t: ExecutionContext, ...file: Parameters<typeof JobLog.open>): Promise<JobLog> => {
  const opened = await JobLog.open(...file);
  t.teardown(() => opened.close());
  return opened;
};

const task = { kind: 'guest', name: 'start' } as const;

const newFile = async (t: ExecutionContext): Promise<string> => join(await tempDir(t), 'jobs.db');

const addFinished = async (log: JobLog, guestId: string, count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let added = 0; added < count; added++) {
    const { ID } = await log.add(guestId, 'start', task);
    await log.complete(ID);
    ids.push(ID);
  }
  return ids;
};

test('adds a job as queued, with the zero time as its start', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const job = await log.add('g1', 'create', task);
  t.like(job, { GuestID: 'g1', Action: 'create', Status: 'Queued', StartedAt: NO_TIME, Message: '' });
  t.is(job.QueuedAt, job.UpdatedAt);
  t.is(jobSchema.validate(job, { convert: false }).error, undefined);
});

test('sets Running at the start, and Complete or Error at the end', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const [{ ID: good }, { ID: bad }] = [await log.add('g', 'start', task), await log.add('g', 'start', task)];
  await log.start(good);
  t.is(log.get(good).Status, 'Running');
  t.not(log.get(good).StartedAt, NO_TIME);
  await log.setProgress(good, 'half way');
  t.is(log.get(good).Message, 'half way');
  await log.complete(good);
  t.like(log.get(good), { Status: 'Complete', Message: '' });
  await log.fail(bad, 'it broke');
  t.like(log.get(bad), { Status: 'Error', Message: 'it broke' });
});

test('starts a stage without the percentage of the stage before', async (t) => {
  const log = await openLog(t, await newFile(t));
  const { ID } = await log.add('g', 'start', task);
  const percents: (number | undefined)[] = [];
  log.onChange(({ percent }) => percents.push(percent));
  await log.start(ID);
  await log.setProgress(ID, 'almost', 99);
  await log.enterStage(ID, 1);
  await log.setProgress(ID, 'copying', 1);
  t.deepEqual(percents, [undefined, 99, undefined, 1]);
});

test('ignores progress that arrives with or after the end of a job', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const { ID } = await log.add('g', 'start', task);
  await log.start(ID);
  const changes: string[] = [];
  log.onChange(({ job }) => changes.push(`${job.Status} ${job.Message}`));
  await Promise.all([log.setProgress(ID, '99 %'), log.complete(ID), log.setProgress(ID, '100 %')]);
  await log.setProgress(ID, '100 %');
  t.deepEqual(changes, ['Running 99 %', 'Complete ']);
});

test('lists jobs newest first, up to the limit', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const ids = await addFinished(log, 'g', 5);
  t.deepEqual(
    log.list().map(({ ID }) => ID),
    ids.toReversed(),
  );
  t.deepEqual(
    log.page({ limit: 2 }).items.map(({ ID }) => ID),
    ids.toReversed().slice(0, 2),
  );
  t.is(log.page({ limit: 50 }).items.length, 5);
});

test('continues a page after a restart and after new jobs', async (t) => {
  const filename = await newFile(t);
  const log = await openLog(t, filename);
  t.teardown(() => log.close());
  const ids = await addFinished(log, 'g', 5);
  const { next } = log.page({ limit: 2 });
  const reopened = await openLog(t, filename);
  t.teardown(() => reopened.close());
  await addFinished(reopened, 'g', 1);
  const rest = reopened.page({ before: next, limit: 10 });
  t.deepEqual(
    rest.items.map(({ ID }) => ID),
    ids.toReversed().slice(2),
  );
  t.is(rest.next, undefined);
});

test('keeps the job of a repeatable request even beyond the limit', async (t) => {
  const filename = await newFile(t);
  const log = await openLog(t, filename, 10);
  t.teardown(() => log.close());
  const request = { key: 'k', fingerprint: 'f', pending: '[]' };
  const { ID } = await log.add('g', 'start', task, { request });
  await log.complete(ID, { state: 'running' });
  await addFinished(log, 'g', 150);
  t.is(log.list().length, 11);
  const reopened = await openLog(t, filename, 10);
  t.teardown(() => reopened.close());
  for (const { findByKey } of [log, reopened].map((one) => ({ findByKey: one.findByKey.bind(one) })))
    t.like(findByKey('k'), {
      job: { ID },
      request: { fingerprint: 'f', outcome: { answer: '{"state":"running"}' } },
    });
});

test("returns a guest's own jobs only", async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const [mine] = await addFinished(log, 'mine', 1);
  const [other] = await addFinished(log, 'other', 1);
  t.deepEqual(
    log.list({ guestId: 'mine' }).map(({ ID }) => ID),
    [mine ?? ''],
  );
  t.deepEqual(log.list({ guestId: 'unknown' }), []);
  t.is(log.get(mine ?? '', 'mine').ID, mine ?? '');
  t.like(
    t.throws(() => log.get(other ?? '', 'mine')),
    { kind: 'not_found', message: `job ${other}: not found` },
  );
});

test('keeps the log across a restart, and adds new jobs after the old ones', async (t) => {
  const filename = await newFile(t);
  const log = await openLog(t, filename);
  t.teardown(() => log.close());
  await Promise.all(Array.from({ length: 30 }, () => log.add('g', 'start', task)));
  await log.fail(log.list()[3]?.ID ?? '', 'why');
  const reopened = await openLog(t, filename);
  t.teardown(() => reopened.close());
  t.deepEqual(reopened.list(), log.list());
  const { ID } = await reopened.add('g', 'stop', task);
  t.is(reopened.list()[0]?.ID, ID);
});

test('keeps the newest 1000 jobs by default', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const ids = await addFinished(log, 'g', 1003);
  t.is(log.list().length, 1000);
  t.is(log.list().at(-1)?.ID, ids[3]);
  t.throws(() => log.get(ids[2] ?? ''), { message: /not found/ });
});

test('forgets old jobs, in the list of their guest and after a restart, too', async (t) => {
  const filename = await newFile(t);
  const log = await openLog(t, filename, 10);
  t.teardown(() => log.close());
  await addFinished(log, 'old', 5);
  const ids = await addFinished(log, 'new', 10);
  t.deepEqual(log.list({ guestId: 'old' }), []);
  const reopened = await openLog(t, filename, 10);
  t.teardown(() => reopened.close());
  t.deepEqual(
    reopened.list().map(({ ID }) => ID),
    ids.toReversed(),
  );
});

test('never forgets an unfinished job', async (t) => {
  const log = await openLog(t, await newFile(t), 3);
  t.teardown(() => log.close());
  const queued = await log.add('g', 'create', task);
  const running = await log.add('g', 'start', task);
  await log.start(running.ID);
  await addFinished(log, 'g', 150);
  t.is(log.get(queued.ID).Status, 'Queued');
  t.is(log.get(running.ID).Status, 'Running');
  t.deepEqual(
    log.unfinished().map(({ job }) => job.ID),
    [running.ID, queued.ID],
  );
});

test('loses only the change of a torn last line', async (t) => {
  const filename = await newFile(t);
  const log = await openLog(t, filename);
  t.teardown(() => log.close());
  const [id] = await addFinished(log, 'g', 1);
  await writeFile(filename, '{"_id":"torn', { flag: 'a' });
  const reopened = await openLog(t, filename);
  t.teardown(() => reopened.close());
  t.deepEqual(
    reopened.list().map(({ ID }) => ID),
    [id ?? ''],
  );
  await rm(filename);
});

test('finds the newer of two jobs by their key, even after the older one is forgotten', async (t) => {
  const filename = await newFile(t);
  const at = (hoursAgo: number): string => new Date(Date.now() - hoursAgo * 3_600_000).toISOString();
  const logged = (id: string, time: string): LoggedJob => ({
    job: {
      ...{ ID: id, GuestID: GUEST_ID, Action: 'start', Status: 'Complete', Message: '' },
      ...{ QueuedAt: time, StartedAt: time, UpdatedAt: time },
    },
    task: { kind: 'guest', name: 'start' },
    stage: 0,
    request: { key: 'K', fingerprint: 'f', pending: '{}' },
  });
  const lines = [logged('old', at(2)), logged('new', at(0))].map(
    (each, index) =>
      `${JSON.stringify({ _id: each.job.ID, order: index + 1, json: JSON.stringify(each) })}\n`,
  );
  await writeFile(filename, lines.join(''));
  const log = await openLog(t, filename, 1);
  t.teardown(() => log.close());
  t.throws(() => log.get('old'));
  t.is(log.findByKey('K')?.job.ID, 'new');
});
