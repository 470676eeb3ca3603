import '../../helpers/faulty-disk.js';

import { copyFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { Collection, plainCodec } from '../../../lib/store/collection.js';
import { type Fault, type Judge, type Operation, withFaults } from '../../helpers/faulty-disk.js';
import { tries } from '../../helpers/property.js';
import { tempDir } from '../../helpers/temp.js';

/** Lines after which a file is written anew: few, so that it happens often. */
const COMPACT_AFTER = 8;

type Write = { id: string; value: number | undefined };
type Step = { writes: Write[]; reopen: boolean };
type Plan = { passing: number; fault: Fault }[];

const anId = fc.constantFrom('a', 'b', 'c', 'd');
const aWrite = fc.record<Write>({ id: anId, value: fc.option(fc.nat(), { nil: undefined, freq: 4 }) });
const aStep = fc.record<Step>({
  writes: fc.array(aWrite, { minLength: 1, maxLength: 6 }),
  reopen: fc.boolean(),
});
const aFault = fc.record<Fault>({
  code: fc.constantFrom('ENOSPC', 'EIO'),
  written: fc.constantFrom(0, 0.3, 0.9, 1),
});
const aPlan: fc.Arbitrary<Plan> = fc.array(fc.record({ passing: fc.nat(12), fault: aFault }), {
  maxLength: 12,
});

/** Lets so many operations pass, then has one fail, and so on. */
const follow = (plan: Plan, seen: (operation: Operation) => void): Judge => {
  const left = plan.map((each) => ({ ...each }));
  return (operation) => {
    const [next] = left;
    if (!next) return undefined;
    next.passing -= 1;
    if (next.passing >= 0) return undefined;
    left.shift();
    seen(operation);
    return next.fault;
  };
};

const open = (filename: string): Promise<Collection<number>> =>
  Collection.open(filename, plainCodec<number>(), COMPACT_AFTER);

const withDirectory = async (work: (directory: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'mt-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

type Contents = Map<string, number>;

const apply = (contents: Contents, { id, value }: Write): void => {
  if (value === undefined) contents.delete(id);
  else contents.set(id, value);
};

const sorted = (entries: Iterable<[string, number]>): [string, number][] =>
  [...entries].sort(([a], [b]) => a.localeCompare(b));

const write = (collection: Collection<number>, { id, value }: Write): Promise<void> =>
  value === undefined ? collection.remove(id) : collection.put(id, value);

test('whatever fails, what was acknowledged is there and what failed is not, in memory and after a restart', async (t) => {
  const failed = new Map<Operation, number>();
  let acknowledged = 0;
  let refused = 0;
  const holds = async (steps: Step[], plan: Plan): Promise<void> =>
    withDirectory(async (directory) => {
      const filename = join(directory, 'numbers.db');
      const contents: Contents = new Map();
      /** What of a failed write the file may hold all the same, for as long as it cannot be cut back. */
      let doubtful: Contents | undefined;
      let uncut = false;
      const judge = follow(plan, (operation) => {
        failed.set(operation, (failed.get(operation) ?? 0) + 1);
        uncut ||= operation === 'truncate';
      });
      const expected = (): [string, number][] => sorted(contents);

      let collection = await open(filename);
      for (const { writes, reopen } of steps) {
        uncut = false;
        const results = await withFaults(directory, judge, () =>
          Promise.allSettled(writes.map((each) => write(collection, each))),
        );
        const done = results.every(({ status }) => status === 'fulfilled');
        const none = results.every(({ status }) => status === 'rejected');
        if (!done && !none) throw new Error('a part of what was asked at once was done');
        const wanted: Contents = new Map(contents);
        for (const each of writes) apply(done ? contents : wanted, each);
        acknowledged += done ? writes.length : 0;
        refused += done ? 0 : writes.length;
        if (done) doubtful = undefined;
        else if (uncut) doubtful = wanted;
        const inMemory = sorted(collection.entries());
        if (JSON.stringify(inMemory) !== JSON.stringify(expected()))
          throw new Error(`in memory ${JSON.stringify(inMemory)}, not ${JSON.stringify(expected())}`);
        if (!reopen) continue;
        await collection.close();
        // A start that fails must not lose anything either.
        await withFaults(directory, judge, async () => {
          await (await open(filename).catch(() => undefined))?.close();
        });
        collection = await open(filename);
        const found = new Map(collection.entries());
        for (const id of doubtful ? [...contents.keys(), ...doubtful.keys()] : [])
          if (found.get(id) === doubtful?.get(id)) apply(contents, { id, value: found.get(id) });
        const onDisk = JSON.stringify(sorted(found));
        if (onDisk !== JSON.stringify(expected()))
          throw new Error(`after a restart ${onDisk}, not ${JSON.stringify(expected())}`);
        doubtful = undefined;
      }
      await collection.close();
      const last = sorted((await open(filename)).entries());
      if (!doubtful && JSON.stringify(last) !== JSON.stringify(expected()))
        throw new Error(`in the end ${JSON.stringify(last)}, not ${JSON.stringify(expected())}`);
    });
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 1, maxLength: 12 }), aPlan, holds),
    tries(80),
  );
  t.log(`${acknowledged} writes acknowledged, ${refused} refused; failed: ${JSON.stringify([...failed])}`);
  t.pass();
});

test('a file that ends at any byte is opened with all its whole lines', async (t) => {
  const directory = await tempDir(t);
  const filename = join(directory, 'numbers.db');
  const collection = await open(filename);
  const states: { size: number; contents: string }[] = [];
  const note = async (): Promise<void> => {
    const { length } = await readFile(filename);
    states.push({ size: length, contents: JSON.stringify(collection.entries()) });
  };
  await note();
  for (const [id, value] of [
    ['a', 1],
    ['ü', 2],
    ['a', 3],
    ['b', 4],
  ] as const) {
    await collection.put(id, value);
    await note();
  }
  await collection.remove('a');
  await note();
  const whole = states.at(-1)?.size ?? 0;
  const copy = join(directory, 'copy.db');
  for (let size = 0; size <= whole; size += 1) {
    await copyFile(filename, copy);
    await truncate(copy, size);
    const expected = states.findLast((state) => state.size <= size)?.contents;
    t.is(JSON.stringify((await open(copy)).entries()), expected ?? '', `cut at ${size}`);
  }
});
