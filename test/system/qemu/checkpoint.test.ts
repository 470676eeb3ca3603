import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { QmpClient } from '../../../lib/qmp/client.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

// Guarantees: G36, G53.

const createTiny = async (t: ExecutionContext) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, disks: [{ source: await host.makeDisk(id) }] });
  const checkpoints = join(host.dir, 'storage/checkpoints', id);
  const runState = async (): Promise<string> => {
    const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'), { timeoutMs: 10_000 });
    const { status } = await qmp.execute<{ status: string }>('query-status');
    qmp.close();
    return status;
  };
  const state = async () => (await host.call('Status', { id })).guest.state;
  const record = async () => JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8'));
  return { host, id, checkpoints, draft: join(checkpoints, '+new'), runState, state, record };
};

test('halts a guest only between the two calls, and shows it as running all the while', async (t) => {
  const { host, id, draft, runState, state, record } = await createTiny(t);
  await host.checkpoint('BeginCheckpoint', id);
  t.is(await runState(), 'finish-migrate');
  t.is(await state(), 'running');
  t.deepEqual((await record()).saving, { paused: false, forSnapshot: true });
  await host.checkpoint('EndCheckpoint', id, { outcome: 'succeeded' });
  t.deepEqual([await runState(), await state()], ['running', 'running']);
  t.is((await record()).saving, undefined);
  t.is((await stat(join(draft, 'memory'))).mode & 0o777, 0o600);
  t.is((await stat(draft)).mode & 0o777, 0o700);
  // A repeated call of the same job finds its work done.
  await host.checkpoint('EndCheckpoint', id, { outcome: 'succeeded' });
  t.is((await host.call('Save', { id })).guest.reason, 'saved');
});

test('lets the guest run and removes the memory when the snapshot was not taken', async (t) => {
  const { host, id, draft, runState } = await createTiny(t);
  await host.checkpoint('BeginCheckpoint', id);
  await host.checkpoint('EndCheckpoint', id, { outcome: 'failed' });
  t.is(await runState(), 'running');
  t.false(existsSync(draft));
  await t.throwsAsync(host.checkpoint('EndCheckpoint', id, { outcome: 'succeeded' }), {
    message: /was not copied to its end/,
  });
});

test('lets the guest run when its memory cannot be written, or nobody ends the pause', async (t) => {
  const { host, id, checkpoints, draft, runState } = await createTiny(t);
  await mkdir(join(checkpoints, '..'), { recursive: true });
  await writeFile(checkpoints, 'no directory');
  await t.throwsAsync(host.checkpoint('BeginCheckpoint', id));
  t.is(await runState(), 'running');
  await rm(checkpoints);
  await host.checkpoint('BeginCheckpoint', id);
  await host.stop();
  await host.launch();
  t.is(await runState(), 'running');
  t.false(existsSync(draft));
});

test('a poweroff ends the pause, and leaves nothing of the memory', async (t) => {
  const { host, id, draft } = await createTiny(t);
  await host.checkpoint('BeginCheckpoint', id);
  await host.call('Poweroff', { id });
  await host.checkpoint('EndCheckpoint', id, { outcome: 'failed' });
  t.false(existsSync(draft));
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('refuses guests that do not run', async (t) => {
  const { host, id } = await createTiny(t);
  await host.call('Suspend', { id });
  for (const method of ['CheckCheckpoint', 'BeginCheckpoint'])
    await t.throwsAsync(host.checkpoint(method, id), { message: /is paused: only a snapshot of a guest/ });
  await host.call('Poweroff', { id });
  await t.throwsAsync(host.checkpoint('BeginCheckpoint', id), { message: /is shutoff: only a snapshot/ });
});

test('a rollback of disks says that it costs a guest its saved memory', async (t) => {
  const { host, id } = await createTiny(t);
  await host.call('Save', { id });
  const { message } = await host.checkpoint('ResumeCheckpoint', id);
  t.regex(message ?? '', /belongs to the disks of before: the next start discards it/);
});
