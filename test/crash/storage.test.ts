import { randomBytes, randomInt } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import avaTest, { type ExecutionContext } from 'ava';
import type { Backend } from '../helpers/backends.js';
import { needsInTurn } from '../helpers/needs.js';
import { missingParts } from '../helpers/parts.js';
import { processesWith } from '../helpers/processes.js';
import { numberFrom } from '../helpers/property.js';
import { qcow2Backend } from '../helpers/qcow2-backend.js';
import { asDisk } from '../helpers/raw-disk.js';
import { addImage, snapshotRequest } from '../helpers/storage.js';
import { type StorageProgram, storageProgram } from '../helpers/storage-program.js';
import { until } from '../helpers/wait.js';
import { createPool, type TestPool, ZFS_PARTS } from '../helpers/zfs.js';
import { zfsBackend } from '../helpers/zfs-backend.js';
import {
  DISKS,
  type GuestState,
  guestSubject,
  type ImageState,
  imageSubject,
  isFilled,
  type Subject,
} from './storage/work.js';

const MB = 2 ** 20;
/** Rounds of start, work, SIGKILL and check; 0 for as many as fit into `SECONDS`. */
const ROUNDS = numberFrom('MISTIFY_CRASH_ROUNDS') ?? 0;
const SECONDS = 15;
const GUESTS = ['7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10', '0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01'];
const IMAGES = ['one', 'two/2:2'];

interface World {
  program: StorageProgram;
  guests: Subject<GuestState>[];
  images: (Subject<ImageState> & { file: string })[];
}

const makeWorld = async (backend: Backend, program: StorageProgram): Promise<World> => {
  await program.start();
  await addImage(program, 'base', 0x11);
  const images = [];
  for (const [n, id] of IMAGES.entries()) {
    const file = join(program.importDir, `image-${n}`);
    await writeFile(file, asDisk(Buffer.concat([randomBytes(3 * MB), Buffer.alloc(5 * MB)])));
    images.push({ ...imageSubject(program, id, file), file });
  }
  return { program, guests: GUESTS.map((id) => guestSubject(backend, program, id)), images };
};

/** Performs one step after the other until the process is killed. */
const work = async <State>(subject: Subject<State>, isKilled: () => boolean): Promise<void> => {
  try {
    while (!isKilled()) {
      const { what, call, after } = await subject.next(subject.state);
      subject.possible = after;
      await call().catch((error: Error) => {
        throw new Error(`${subject.id}: ${what}: ${error.message}`, { cause: error });
      });
      subject.state = after;
      subject.possible = undefined;
    }
  } catch (error) {
    // The last step may have happened or not.
    if (!isKilled()) throw error;
  }
};

/** Works on all subjects concurrently, and kills the process at a random moment. */
const killAtWork = async ({ program, guests, images }: World, maxMs: number): Promise<void> => {
  let killed = false;
  const isKilled = (): boolean => killed;
  const working = [
    ...guests.map((each) => work(each, isKilled)),
    ...images.map((each) => work(each, isKilled)),
  ];
  const failed = Promise.all(working).then(() => undefined);
  await Promise.race([failed, delay(randomInt(maxMs))]);
  killed = true;
  await program.kill();
  await failed;
};

/** Lists the ids of a guest's snapshots; `undefined` when the guest does not exist. */
const listSnapshots = async ({ call }: StorageProgram, id: string): Promise<string[] | undefined> => {
  try {
    const { snapshots } = await call('ListSnapshots', snapshotRequest(`guests/${id}`));
    return snapshots.map((snapshot) => snapshot.id).sort();
  } catch (error) {
    if (/: not found$/.test(String(error))) return undefined;
    throw error;
  }
};

const expectedIds = (id: string, { snapshots }: GuestState): string[] =>
  snapshots
    .flatMap(({ name }) => Array.from({ length: DISKS }, (_, n) => `guests/${id}/disk-${n}@${name}`))
    .sort();

/** Checks that a guest is in exactly one of its possible states, and expects that one from now on. */
const checkGuest = async (t: ExecutionContext, backend: Backend, world: World, n: number): Promise<void> => {
  const { program, guests } = world;
  const guest = guests[n];
  if (!guest) return;
  const { id, state, possible } = guest;
  const ids = await listSnapshots(program, id);
  for (const each of possible ? [state, possible] : [state]) {
    const sameList = each.exists
      ? JSON.stringify(ids) === JSON.stringify(expectedIds(id, each))
      : ids === undefined;
    if (!sameList || (each.exists && !(await isFilled(backend, program, id, each.byte)))) continue;
    guest.state = each;
    guest.possible = undefined;
    if (each.exists) await program.call('VerifyDisks', { guest: { id } });
    return;
  }
  t.fail(`guest ${id} is neither ${JSON.stringify(state)} nor ${JSON.stringify(possible)}: ${ids}`);
};

const checkImages = async (
  t: ExecutionContext,
  backend: Backend,
  { program, images }: World,
): Promise<void> => {
  const listed = (await program.call('ListImages', {})).images.map(({ id }) => id);
  for (const image of images) {
    const is = { exists: listed.includes(image.id) };
    const allowed = [image.state, ...(image.possible ? [image.possible] : [])];
    t.true(
      allowed.some(({ exists }) => exists === is.exists),
      `image ${image.id}: ${JSON.stringify(is)}, not ${JSON.stringify(allowed)}`,
    );
    Object.assign(image, { state: is, possible: undefined });
    if (is.exists) await backend.compareImage(program, image.id, image.file);
  }
  const there = ['base', ...images.filter(({ state }) => state.exists).map(({ id }) => id)];
  t.deepEqual(listed, there.sort());
  t.deepEqual((await readdir(join(program.dir, 'sums'))).map(decodeURIComponent).sort(), there);
};

const checkLeftovers = async (t: ExecutionContext, backend: Backend, world: World): Promise<void> => {
  const { program, guests, images } = world;
  const contents = await backend.contents(program);
  t.deepEqual(
    { ...contents, images: contents.images.sort(), guests: contents.guests.sort() },
    {
      images: ['base', ...images.filter(({ state }) => state.exists).map(({ id }) => id)].sort(),
      guests: guests
        .filter(({ state }) => state.exists)
        .map(({ id }) => id)
        .sort(),
      work: [],
    },
  );
  t.deepEqual(await readdir(join(program.dir, 'journal')), []);
};

const runRounds = async (
  t: ExecutionContext,
  backend: Backend,
  program: StorageProgram,
  /** A text in the command lines, or the open files, of the programs that the killed process had started. */
  trace: string,
  maxMs: number,
): Promise<void> => {
  const world = await makeWorld(backend, program);
  const deadline = Date.now() + SECONDS * 1000;
  let rounds = 0;
  while (ROUNDS > 0 ? rounds < ROUNDS : rounds < 3 || Date.now() < deadline) {
    await killAtWork(world, maxMs);
    await until('what it had started has ended', async () => (await processesWith(trace)).length === 0);
    await program.start();
    for (const n of world.guests.keys()) await checkGuest(t, backend, world, n);
    await checkImages(t, backend, world);
    await checkLeftovers(t, backend, world);
    rounds += 1;
  }
  const recovered = program.output().split('interrupted snapshot operation recovered').length - 1;
  t.log(`${rounds} rounds, ${recovered} of them with an operation to recover`);
};

qcow2Backend.test('a store of qcow2 files survives SIGKILL at any moment', async (t) => {
  const program = await storageProgram(t);
  await runRounds(t, qcow2Backend, program, program.dir, 500);
});

const PARTS = ['qemu-img', 'qemu-io', ...ZFS_PARTS];
let pool: TestPool | undefined;

if (missingParts(...PARTS).length === 0) {
  avaTest.before(async () => {
    pool = await createPool();
  });
  avaTest.after.always(() => pool?.destroy());
}

needsInTurn(...PARTS)('a store in a ZFS pool survives SIGKILL at any moment', async (t) => {
  const backend = zfsBackend(needsInTurn(...PARTS), () => pool as TestPool);
  const part = await backend.makePart(t);
  const program = await storageProgram(t, '--backend', 'zfs', '--pool', part.dataset);
  backend.assign(program, part);
  await runRounds(t, backend, program, part.dataset, 1500);
});
