import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { getReadiness } from '../../../handlers/health/readyz.js';
import { describeShortage, isFull, roomOf } from '../../../lib/files/room.js';
import { event, rejection, startTestAgent } from '../../helpers/agent.js';
import { needs } from '../../helpers/needs.js';
import { startTestStorage } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('mount', 'umount', 'qemu-img', 'root');

const SIZE_MB = 100;
const MB = 2 ** 20;

/** Mounts a small device. */
const mountSmall = async (t: ExecutionContext): Promise<string> => {
  const dir = join(await tempDir(t), 'small');
  await mkdir(dir);
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', dir]);
  t.teardown(() => execa('umount', ['-l', dir]));
  return dir;
};

/** Leaves so much room on the device. */
const leave = async (dir: string, bytes: number): Promise<void> => {
  const ballast = join(dir, 'ballast');
  await writeFile(ballast, '');
  const { freeBytes } = await roomOf(dir);
  await execa('fallocate', ['--length', `${Math.floor(freeBytes - bytes)}`, ballast]);
};

test('/readyz says that the disk of the state is almost full, and is 503 once it is full', async (t) => {
  const dir = await mountSmall(t);
  const { context } = await startTestAgent(t, { dbpath: join(dir, 'db') });
  const ready = () => getReadiness(event(), context);
  t.deepEqual((await ready()).body, { status: 'ok' });
  await leave(dir, 3 * MB);
  const [sentence] = (await ready()).body.problems?.agent ?? [];
  t.regex(
    sentence ?? '',
    /^the disk of the agent's state is almost full \([23] of 100 MB free\): make room$/,
  );
  await leave(dir, 0);
  const { code, message } = await rejection(t, ready());
  t.is(code, 503);
  t.regex(message, /the disk of the agent's state is full \(0 of 100 MB free\): make room$/);
  t.regex(await context.metrics.text(), /^mistify_state_free_bytes \d{1,6}$/m);
  await writeFile(join(dir, 'ballast'), '');
  t.deepEqual((await ready()).body, { status: 'ok' });
});

test('the storage sub-agent reports that its device is almost full, and that it has room again', async (t) => {
  const dir = await mountSmall(t);
  const { port } = await startTestStorage(t, dir, { roomIntervalMs: 20 });
  const health = async () =>
    (await (await fetch(`http://127.0.0.1:${port}/_mistify_health_`)).json()) as {
      status: string;
      message?: string;
    };
  t.is((await health()).status, 'ok');
  await leave(dir, 3 * MB);
  await until('it says so', async () =>
    /the storage of images and disks is almost full \([23] of 100 MB/.test((await health()).message ?? ''),
  );
  await writeFile(join(dir, 'ballast'), '');
  await until('it has room', async () => (await health()).status === 'ok');
});

test('tells a read-only mount from a full one', async (t) => {
  const dir = await mountSmall(t);
  await execa('mount', ['-o', 'remount,ro', dir]);
  const room = await roomOf(dir);
  t.true(room.isReadOnly && isFull(room));
  t.regex(
    describeShortage('the disk', room) ?? '',
    /^the disk is read-only: look for its errors in the kernel's log/,
  );
});
