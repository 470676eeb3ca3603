import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type AuditEntry, AuditLog, type AuditLogOptions } from '../../../lib/audit/audit-log.js';
import { withFaults } from '../../helpers/faulty-disk.js';
import { keepLines } from '../../helpers/log-lines.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

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
  return { audit, directory, said: () => lines.map(({ msg }) => msg) };
};

const jobsIn = async (directory: string): Promise<string[]> => {
  const text = await readFile(join(directory, 'audit.log'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { job: string }).job);
};

test('what a full disk did not take is written when there is room again, each entry once and whole', async (t) => {
  const { audit, directory, said } = await openLog(t);
  audit.write(entry('before'));
  await until('it is there', async () => (await jobsIn(directory)).length === 1);
  const noRoom = (operation: string) =>
    operation === 'append' ? ({ code: 'ENOSPC', written: 0.4 } as const) : undefined;
  await withFaults(directory, noRoom, async () => {
    for (const job of ['a', 'b', 'c']) audit.write(entry(job));
    await until('it is told', () => said().length > 0);
    audit.write(entry('d'));
  });
  await until('all are there', async () => (await jobsIn(directory)).length === 5);
  t.deepEqual(await jobsIn(directory), ['before', 'a', 'b', 'c', 'd']);
});

test('that the disk fails is told once, and that it works again', async (t) => {
  const { audit, directory, said } = await openLog(t);
  let failures = 0;
  const broken = () => {
    failures += 1;
    return { code: 'EIO', written: 0 } as const;
  };
  await withFaults(directory, broken, async () => {
    audit.write(entry('a'));
    await until('it was tried several times', () => failures > 3);
  });
  await until('it works again', () => said().length > 1);
  t.deepEqual(said(), [
    'the audit log cannot be written: EIO: injected, open',
    'the audit log is written again; 0 entries are lost',
  ]);
});

test('while the disk fails a bounded number waits, and how many were lost is told', async (t) => {
  const { audit, directory, said } = await openLog(t, { maxWaiting: 2 });
  await withFaults(
    directory,
    () => ({ code: 'EIO', written: 0 }),
    async () => {
      for (const job of ['a', 'b', 'c', 'd', 'e']) audit.write(entry(job));
      await until('it is told', () => said().length > 0);
    },
  );
  await until('it works again', () => said().length > 1);
  t.deepEqual(await jobsIn(directory), ['a', 'b']);
  t.is(said()[1], 'the audit log is written again; 3 entries are lost');
});

test('what waits at the stop is written once more', async (t) => {
  const { audit, directory, said } = await openLog(t, { retryMs: 600_000 });
  await withFaults(
    directory,
    () => ({ code: 'EIO', written: 0 }),
    async () => {
      audit.write(entry('a'));
      await until('it is told', () => said().length > 0);
    },
  );
  await audit.close();
  t.deepEqual(await jobsIn(directory), ['a']);
});

test('a disk that fails does not hold up the stop', async (t) => {
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
