import '../../../helpers/faulty-disk.js';

import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createBackup } from '../../../../handlers/guests/backups/create.js';
import { cancelJob } from '../../../../handlers/jobs/cancel.js';
import type { StageConfig } from '../../../../lib/config/schema.js';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import type { JobLog } from '../../../../lib/store/job-log.js';
import {
  addGuest,
  event,
  finished,
  jobIdOf,
  startTestAgent,
  type TestAgent,
  type TestAgentOptions,
} from '../../../helpers/agent.js';
import { withFaults } from '../../../helpers/faulty-disk.js';
import { startScripted } from '../../../helpers/scripted.js';
import { tempDir } from '../../../helpers/temp.js';
import { gate, until } from '../../../helpers/wait.js';

// Guarantees: G2, G3, G55.

const STAGES: Partial<StageConfig>[] = [
  { method: 'Test.Open', idempotent: true },
  { method: 'Test.Copy' },
  { method: 'Test.Close', always: true },
];

const SOURCE = { disks: [{ disk: '0', socket: '/run/nbd.sock' }] };

const open: NonNullable<TestAgentOptions['methods']> = {
  'Test.Open': ({ guest }) => ({ guest, source: SOURCE }),
  'Test.Close': ({ guest }) => ({ guest }),
};

const copied: NonNullable<TestAgentOptions['methods']> = {
  'Test.Copy': ({ guest, backup = '' }) => ({
    backup: {
      ...{ id: backup, guest: guest.id, host: 'here', created: '2026-01-31T12:00:00Z', consistency: 'crash' },
      ...{ size: 8, read: 8, stored: 8, disks: [] },
    },
  }),
};

/** Begins the backup of a guest; returns the id of its job. */
const begin = async ({ context }: TestAgent): Promise<string> => {
  const { id } = await addGuest(context, {
    disks: [{ bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' }],
  });
  return jobIdOf(await createBackup(event({ params: { guestID: id } }), context));
};

const start = (t: ExecutionContext, options: TestAgentOptions): Promise<TestAgent> =>
  startTestAgent(t, { ...options, actions: { createBackup: STAGES, ...options.actions } });

const methodsOf = ({ scripted }: TestAgent): string[] => scripted.calls.map(({ method }) => method);

test('later stages get what an earlier one passes on, and the last one the outcome', async (t) => {
  const agent = await start(t, { methods: { ...open, ...copied } });
  t.is((await finished(agent.context, await begin(agent))).Status, 'Complete');
  t.deepEqual(methodsOf(agent), ['Test.Open', 'Test.Copy', 'Test.Close']);
  const [first, second, third] = agent.scripted.calls.map(({ request }) => request);
  t.false('source' in (first ?? {}));
  t.deepEqual(second?.source as unknown, SOURCE);
  t.false('outcome' in (second ?? {}));
  t.like(third, { source: SOURCE as never, outcome: 'succeeded' });
});

test('a stage that always runs does so after a failure, whose error stays that of the job', async (t) => {
  const agent = await start(t, {
    methods: {
      ...open,
      'Test.Copy': () => {
        throw new Refusal('no_space', 'the repository is full');
      },
      'Test.Close': () => {
        throw new Error('this broke, too');
      },
    },
  });
  const job = await finished(agent.context, await begin(agent));
  t.like(job, { Status: 'Error', Message: 'the repository is full' });
  t.like(agent.scripted.requests('Test.Close')[0], { outcome: 'failed' });
});

test('the failure of a stage that always runs fails the job', async (t) => {
  const agent = await start(t, {
    methods: {
      ...open,
      ...copied,
      'Test.Close': () => {
        throw new Error('the export does not end');
      },
    },
  });
  const job = await finished(agent.context, await begin(agent));
  t.like(job, { Status: 'Error', Message: 'test: the export does not end' });
});

test('a stage that always runs does so after a cancellation, which does not abort it', async (t) => {
  const closing = new EventEmitter();
  const agent = await start(t, {
    methods: {
      ...open,
      'Test.Copy': (_request, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
      'Test.Close': async ({ guest }) => {
        await once(closing, 'end');
        return { guest };
      },
    },
  });
  const jobID = await begin(agent);
  await until('the copy runs', () => methodsOf(agent).includes('Test.Copy'));
  const cancelled = cancelJob(event({ params: { jobID } }), agent.context);
  await until('the last stage runs', () => methodsOf(agent).includes('Test.Close'));
  await until('it waits', () => closing.listenerCount('end') > 0);
  t.is(agent.context.jobs.get(jobID).Status, 'Running');
  closing.emit('end');
  t.like((await cancelled).body, { Status: 'Error', Message: 'cancelled' });
  t.like(agent.scripted.requests('Test.Close')[0], { outcome: 'failed' });
});

test('a stage that always runs waits for a sub-agent that is down', async (t) => {
  const address = { socket: join(await tempDir(t), 'other.sock') };
  const agent = await start(t, {
    services: { other: address },
    methods: { ...open, ...copied },
    actions: { createBackup: STAGES.map((stage) => (stage.always ? { ...stage, service: 'other' } : stage)) },
  });
  const id = await begin(agent);
  await until('its turn has come', () => agent.context.jobs.find(id)?.stage === 2);
  const other = await startScripted(t, { address, methods: open });
  t.is((await finished(agent.context, id)).Status, 'Complete');
  t.is(other.requests('Test.Close').length, 1);
});

for (const copy of ['succeeded', 'failed'])
  test(`a stage that always runs does so while the disk of the agent is full, after a copy that ${copy}`, async (t) => {
    const { opened, open: goOn } = gate();
    const agent = await start(t, {
      methods: {
        ...open,
        'Test.Copy': async (request, call) => {
          await opened;
          if (copy === 'failed') throw new Refusal('no_space', 'the repository is full');
          return copied['Test.Copy']?.(request, call) ?? {};
        },
      },
    });
    const id = await begin(agent);
    await until('the copy runs', () => methodsOf(agent).includes('Test.Copy'));
    await withFaults(
      agent.dbpath,
      (operation, file) =>
        operation === 'append' && file === 'jobs.db' ? { code: 'ENOSPC', written: 0 } : undefined,
      async () => {
        goOn();
        await until('the last stage has run', () => methodsOf(agent).includes('Test.Close'));
      },
    );
    t.like(agent.scripted.requests('Test.Close')[0], { source: SOURCE as never, outcome: 'failed' });
    const job = await finished(agent.context, id);
    t.is(job.Status, 'Error');
    t.regex(job.Message, copy === 'failed' ? /the repository is full/ : /^interrupted: the disk .* is full/);
  });

/** Stops an agent in the middle of the copy, as a kill would; returns the id of the job and the state directory. */
const interruptCopy = async (
  t: ExecutionContext,
  whileCopying: (jobs: JobLog, id: string) => Promise<void> = async () => {},
) => {
  const agent = await start(t, {
    methods: { ...open, 'Test.Copy': () => new Promise(() => {}) },
  });
  const id = await begin(agent);
  await until('the copy runs', () => methodsOf(agent).includes('Test.Copy'));
  await whileCopying(agent.context.jobs, id);
  await agent.stop();
  return { id, dbpath: agent.dbpath };
};

test('after a restart, an interrupted job whose stage is not safe to repeat runs the stages that always do', async (t) => {
  const { id, dbpath } = await interruptCopy(t);
  const agent = await start(t, { dbpath, methods: { ...open, ...copied } });
  const job = await finished(agent.context, id);
  t.is(job.Status, 'Error');
  t.regex(job.Message, /^interrupted: the agent stopped during Test\.Copy/);
  t.deepEqual(methodsOf(agent), ['Test.Close']);
  t.like(agent.scripted.requests('Test.Close')[0], { source: SOURCE as never, outcome: 'failed' });
});

test('after a restart, a stage that is safe to repeat gets what was passed on before', async (t) => {
  const { id, dbpath } = await interruptCopy(t);
  const stages = STAGES.map((stage) => ({ ...stage, idempotent: true }));
  const agent = await start(t, {
    dbpath,
    methods: { ...open, ...copied },
    actions: { createBackup: stages },
  });
  t.is((await finished(agent.context, id)).Status, 'Complete');
  t.deepEqual(methodsOf(agent), ['Test.Copy', 'Test.Close']);
  t.deepEqual(agent.scripted.requests('Test.Copy')[0]?.source as unknown, SOURCE);
  t.like(agent.scripted.requests('Test.Close')[0], { source: SOURCE as never, outcome: 'succeeded' });
});

test('after a restart during a stage that always runs, it runs again with the outcome of before', async (t) => {
  const { id, dbpath } = await interruptCopy(t, (jobs, job) =>
    jobs.enterStage(job, 2, {
      carried: { source: SOURCE },
      failure: { kind: 'no_space', message: 'the repository is full' },
    }),
  );
  const agent = await start(t, { dbpath, methods: { ...open, ...copied } });
  t.like(await finished(agent.context, id), { Status: 'Error', Message: 'the repository is full' });
  t.deepEqual(methodsOf(agent), ['Test.Close']);
  t.like(agent.scripted.requests('Test.Close')[0], { source: SOURCE as never, outcome: 'failed' });
});
