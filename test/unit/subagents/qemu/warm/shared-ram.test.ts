import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Capacity } from '../../../../../lib/subagents/qemu/guests/capacity.js';
import { SharedRam } from '../../../../../lib/subagents/qemu/warm/shared-ram.js';
import { tempDir } from '../../../../helpers/temp.js';
import { until } from '../../../../helpers/wait.js';

interface World {
  capacity: Capacity;
  shared: SharedRam;
  /** The copies in the order in which they were made. */
  copies: FileHandle[];
  /** Starts a guest with the memory of a template of 300 MB. */
  start(user: string, template?: string, id?: string): Promise<FileHandle>;
  /** Whether a guest of so many MB may start. */
  fits(memory: number): boolean;
}

/** A host with 1000 MB. */
const makeWorld = async (t: ExecutionContext, fails: () => boolean = () => false): Promise<World> => {
  const path = join(await tempDir(t), 'ram');
  await writeFile(path, 'memory');
  const capacity = new Capacity({}, { memory: 1000, processors: 2 });
  const copies: FileHandle[] = [];
  const shared = new SharedRam(capacity, async () => {
    if (fails()) throw new Error('perl has failed');
    const file = await open(path);
    copies.push(file);
    return file;
  });
  t.teardown(() => shared.close());
  const start = (user: string, template = 'base', id = `memory of ${template}`): Promise<FileHandle> =>
    shared.open(template, { id, size: 300 }, path, { user });
  const fits = (memory: number): boolean => {
    try {
      capacity.check({ id: 'other', memory, cpu: 1 });
      return true;
    } catch {
      return false;
    }
  };
  return { capacity, shared, copies, start, fits };
};

const isClosed = ({ fd }: FileHandle): boolean => fd === -1;

test('starts at the same time share one copy, also the first ones after the template was warmed again', async (t) => {
  const { copies, start } = await makeWorld(t);
  const clones = ['one', 'two', 'three'];
  const first = await Promise.all(clones.map((user) => start(user)));
  t.is(new Set(first).size, 1);
  const second = await Promise.all(clones.map((user) => start(user, 'base', 'again')));
  t.is(new Set(second).size, 1);
  t.deepEqual(copies.map(isClosed), [true, false]);
});

test('a copy that is made in vain is made again by the next start, and counts no longer', async (t) => {
  let isBroken = true;
  const { start, fits } = await makeWorld(t, () => isBroken);
  await t.throwsAsync(start('one'), { message: 'perl has failed' });
  t.true(fits(1000));
  isBroken = false;
  await t.notThrowsAsync(start('one'));
});

test('a copy counts once for all guests, until the last one that maps it is off', async (t) => {
  const { shared, start, fits } = await makeWorld(t);
  await Promise.all([start('one'), start('two')]);
  t.true(fits(700));
  t.false(fits(701));
  shared.leave('one');
  t.false(fits(701));
  shared.leave('two');
  t.true(fits(1000));
});

test('memory counts for the guests that map it when their template is cooled', async (t) => {
  const { shared, copies, start, fits } = await makeWorld(t);
  await start('one');
  await shared.release('base');
  t.deepEqual(copies.map(isClosed), [true]);
  t.false(fits(701));
  shared.leave('one');
  t.true(fits(1000));
});

test('memory counts for the guests that an earlier sub-agent has started', async (t) => {
  const { shared, fits } = await makeWorld(t);
  shared.use('one', { id: 'memory of base', size: 300 });
  t.false(fits(701));
  shared.leave('one');
  t.true(fits(1000));
});

test('a copy that no guest maps is closed when others need its memory, and made again later', async (t) => {
  const { shared, capacity, copies, start } = await makeWorld(t);
  await start('one', 'base');
  shared.leave('one');
  await start('two', 'other');
  shared.leave('two');
  capacity.take({ id: 'large', memory: 500, cpu: 1 });
  await until('one is closed', () => copies.some(isClosed));
  t.deepEqual(copies.map(isClosed), [true, false]);
  capacity.release('large');
  await start('three', 'base');
  t.is(copies.length, 3);
});

test('refuses a copy for which the guests that run leave too little memory', async (t) => {
  const { capacity, copies, start } = await makeWorld(t);
  capacity.take({ id: 'large', memory: 701, cpu: 1 });
  await t.throwsAsync(start('one'), {
    message:
      /^the memory of template base, which its clones share, needs 300 MB, and the guests that run have 701 MB/,
  });
  t.deepEqual(copies, []);
});
