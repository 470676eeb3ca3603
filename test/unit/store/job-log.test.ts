import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NO_TIME } from '../../../lib/model/job.js';
import { jobSchema } from '../../../lib/model/job-schema.js';
import { JobLog } from '../../../lib/store/job-log.js';
import type { LoggedJob } from '../../../lib/store/logged-job.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

/** Until the test ends. */
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

test('a new job is queued, and its times are those of the contract', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const job = await log.add('g1', 'create', task);
  t.like(job, { GuestID: 'g1', Action: 'create', Status: 'Queued', StartedAt: NO_TIME, Message: '' });
  t.is(job.QueuedAt, job.UpdatedAt);
  t.is(jobSchema.validate(job, { convert: false }).error, undefined);
});

test('a job is running from its start, and complete or in error at its end', async (t) => {
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

test('what a job says late, as it ends or after its end, does not end it a second time', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const { ID } = await log.add('g', 'start', task);
  await log.start(ID);
  const told: string[] = [];
  log.onChange(({ job }) => told.push(`${job.Status} ${job.Message}`));
  await Promise.all([log.setProgress(ID, '99 %'), log.complete(ID), log.setProgress(ID, '100 %')]);
  await log.setProgress(ID, '100 %');
  t.deepEqual(told, ['Running 99 %', 'Complete ']);
});

test('jobs are listed newest first, at most as many as asked for', async (t) => {
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

test('a page goes on where the one before it ended, also after a restart and when jobs came meanwhile', async (t) => {
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

test('the job of a request that may come again is kept beside the newest ones', async (t) => {
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

test("a guest's jobs are its own alone", async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const [mine] = await addFinished(log, 'mine', 1);
  const [other] = await addFinished(log, 'other', 1);
  t.deepEqual(
    log.list({ guestId: 'mine' }).map(({ ID }) => ID),
    [mine ?? ''],
  );
  t.deepEqual(log.list({ guestId: 'nobody' }), []);
  t.is(log.get(mine ?? '', 'mine').ID, mine ?? '');
  t.like(
    t.throws(() => log.get(other ?? '', 'mine')),
    { kind: 'not_found', message: `job ${other}: not found` },
  );
});

test('the log is the same after a restart, and new jobs come after the old ones', async (t) => {
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

test('the newest 1000 jobs are kept by default', async (t) => {
  const log = await openLog(t, await newFile(t));
  t.teardown(() => log.close());
  const ids = await addFinished(log, 'g', 1003);
  t.is(log.list().length, 1000);
  t.is(log.list().at(-1)?.ID, ids[3]);
  t.throws(() => log.get(ids[2] ?? ''), { message: /not found/ });
});

test('old jobs are gone from the guest and after a restart as well', async (t) => {
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

test('a job that has not ended is never forgotten', async (t) => {
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

test('a torn last line costs that one change alone', async (t) => {
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

test('a key that was used again is that of the newer job, also once the older one is forgotten', async (t) => {
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
