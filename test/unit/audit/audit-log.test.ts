import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AuditLog, type AuditLogOptions } from '../../../lib/audit/audit-log.js';
import type { AuditEntry } from '../../../lib/model/audit.js';
import { withFaults } from '../../helpers/faulty-disk.js';
import { keepLines } from '../../helpers/log-lines.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G32.

const entry = (job: string): AuditEntry => ({
  event: 'job',
  job,
  guest: '',
  action: 'start',
  status: 'Complete',
  message: '',
});

const openLog = async (t: ExecutionContext, options: Partial<AuditLogOptions> = {}) => {
  const directory = await tempDir(t);
  const { log, lines } = keepLines();
  const audit = new AuditLog({ directory, log, retryMs: 1, ...options });
  t.teardown(() => audit.close());
  return { audit, directory, messages: () => lines.map(({ msg }) => msg) };
};

const jobsIn = async (directory: string): Promise<string[]> => {
  const text = await readFile(join(directory, 'audit.log'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { job: string }).job);
};

test('writes each entry that a full disk rejected once and whole when there is room', async (t) => {
  const { audit, directory, messages } = await openLog(t);
  audit.write(entry('before'));
  await until('the entry is on disk', async () => (await jobsIn(directory)).length === 1);
  const noRoom = (operation: string) =>
    operation === 'append' ? ({ code: 'ENOSPC', written: 0.4 } as const) : undefined;
  await withFaults(directory, noRoom, async () => {
    for (const job of ['a', 'b', 'c']) audit.write(entry(job));
    await until('the failure is logged', () => messages().length > 0);
    audit.write(entry('d'));
  });
  await until('all entries are on disk', async () => (await jobsIn(directory)).length === 5);
  t.deepEqual(await jobsIn(directory), ['before', 'a', 'b', 'c', 'd']);
});

test('logs the first failure of the disk, and its recovery', async (t) => {
  const { audit, directory, messages } = await openLog(t);
  let failures = 0;
  const broken = () => {
    failures += 1;
    return { code: 'EIO', written: 0 } as const;
  };
  await withFaults(directory, broken, async () => {
    audit.write(entry('a'));
    await until('several tries have failed', () => failures > 3);
  });
  await until('the recovery is logged', () => messages().length > 1);
  t.deepEqual(messages(), [
    'audit log not written, retrying: EIO: injected, open',
    'audit log written again, 0 entries lost',
  ]);
});

test('keeps a bounded number of entries while the disk fails, and logs how many were lost', async (t) => {
  const { audit, directory, messages } = await openLog(t, { maxWaiting: 2 });
  await withFaults(
    directory,
    () => ({ code: 'EIO', written: 0 }),
    async () => {
      for (const job of ['a', 'b', 'c', 'd', 'e']) audit.write(entry(job));
      await until('the failure is logged', () => messages().length > 0);
    },
  );
  await until('the recovery is logged', () => messages().length > 1);
  t.deepEqual(await jobsIn(directory), ['a', 'b']);
  t.is(messages()[1], 'audit log written again, 3 entries lost');
});

test('tries once more to write waiting entries on close', async (t) => {
  const { audit, directory, messages } = await openLog(t, { retryMs: 600_000 });
  await withFaults(
    directory,
    () => ({ code: 'EIO', written: 0 }),
    async () => {
      audit.write(entry('a'));
      await until('the failure is logged', () => messages().length > 0);
    },
  );
  await audit.close();
  t.deepEqual(await jobsIn(directory), ['a']);
});

test('closes without waiting for a failing disk', async (t) => {
  const { audit, directory } = await openLog(t, { retryMs: 600_000 });
  await withFaults(
    directory,
    () => ({ code: 'EIO', written: 0 }),
    async () => {
      audit.write(entry('a'));
      await audit.close();
    },
  );
  t.deepEqual(await jobsIn(directory), []);
});
