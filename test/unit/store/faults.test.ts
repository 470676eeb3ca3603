import '../../helpers/faulty-disk.js';

import { copyFile, mkdtemp, readdir, readFile, readlink, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { Collection } from '../../../lib/store/nedb/collection.js';
import { type Fault, type Judge, type Operation, withFaults } from '../../helpers/faulty-disk.js';
import { tries } from '../../helpers/property.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G1, G8, G9.

/** Changes after which a checkpoint starts: few, so that it happens often. */
const CHECKPOINT_AFTER = 8;

type Write = { id: string; value: number | undefined };
type Step = { writes: Write[]; reopen: boolean };
type Plan = { passing: number; operation: Operation | undefined; fault: Fault }[];

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
const anyOperation = fc.record({ passing: fc.nat(12), operation: fc.constant(undefined), fault: aFault });
/** An operation of a checkpoint, which random faults rarely hit. */
const anOperation = fc.record({
  passing: fc.nat(2),
  operation: fc.constantFrom<Operation>('write', 'rename', 'stat', 'sync'),
  fault: aFault,
});
const aPlan: fc.Arbitrary<Plan> = fc.array(fc.oneof(anyOperation, anOperation), { maxLength: 12 });

/** Follows a plan: lets some operations pass, of one kind or of any, then fails one, and so on. */
const follow = (plan: Plan, seen: (operation: Operation) => void): Judge => {
  const left = plan.map((each) => ({ ...each }));
  return (operation) => {
    const [next] = left;
    if (!next || (next.operation ?? operation) !== operation) return undefined;
    next.passing -= 1;
    if (next.passing >= 0) return undefined;
    left.shift();
    seen(operation);
    return next.fault;
  };
};

const open = (filename: string): Promise<Collection<number>> =>
  Collection.open<number>(filename, CHECKPOINT_AFTER);

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

/** Totals of all runs. */
const counts = { acknowledged: 0, rejected: 0, failed: {} as Partial<Record<Operation, number>> };

/** A collection on a failing disk, with a model of its content. */
class Life {
  readonly #directory: string;
  readonly #filename: string;
  readonly #judge: Judge;
  readonly #contents: Contents = new Map();
  /** Failed writes that the file may contain as long as it cannot be cut back. */
  #doubtful: Write[] = [];
  #isUncut = false;
  #collection: Collection<number> | undefined;

  constructor(directory: string, plan: Plan) {
    this.#directory = directory;
    this.#filename = join(directory, 'numbers.db');
    this.#judge = follow(plan, (operation) => {
      counts.failed[operation] = (counts.failed[operation] ?? 0) + 1;
      this.#isUncut ||= operation === 'truncate';
    });
  }

  async write(writes: readonly Write[]): Promise<void> {
    this.#collection ??= await open(this.#filename);
    const collection = this.#collection;
    this.#isUncut = false;
    const results = await withFaults(this.#directory, this.#judge, () =>
      Promise.allSettled(writes.map((each) => write(collection, each))),
    );
    const states = new Set(results.map(({ status }) => status));
    if (states.size > 1) throw new Error('only some writes of one batch were done');
    if (states.has('fulfilled')) this.#acknowledged(writes);
    else this.#rejected(writes);
    this.#require('in memory', collection);
  }

  /** Reopens the files, first with faults: a start that fails must not lose anything either. */
  async restart(): Promise<void> {
    await withFaults(this.#directory, this.#judge, async () => {
      await this.#collection?.close();
      await (await open(this.#filename).catch(() => undefined))?.close();
    });
    this.#collection = await open(this.#filename);
    this.#settleDoubt(new Map(this.#collection.entries()));
    this.#require('after a restart', this.#collection);
  }

  async end(): Promise<void> {
    await this.restart();
    await this.#collection?.close();
  }

  #acknowledged(writes: readonly Write[]): void {
    counts.acknowledged += writes.length;
    for (const each of writes) apply(this.#contents, each);
    this.#doubtful = [];
  }

  #rejected(writes: readonly Write[]): void {
    counts.rejected += writes.length;
    if (this.#isUncut) this.#doubtful.push(...writes);
  }

  #settleDoubt(found: Contents): void {
    for (const each of this.#doubtful) if (found.get(each.id) === each.value) apply(this.#contents, each);
    this.#doubtful = [];
  }

  #require(when: string, collection: Collection<number>): void {
    const [found, expected] = [sorted(collection.entries()), sorted(this.#contents)].map((each) =>
      JSON.stringify(each),
    );
    if (found !== expected) throw new Error(`${when} ${found}, not ${expected}`);
  }
}

test('keeps acknowledged writes and no failed ones, whichever operation fails, in memory and after a restart', async (t) => {
  const holds = (steps: Step[], plan: Plan): Promise<void> =>
    withDirectory(async (directory) => {
      const life = new Life(directory, plan);
      for (const { writes, reopen } of steps) {
        await life.write(writes);
        if (reopen) await life.restart();
      }
      await life.end();
    });
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 1, maxLength: 12 }), aPlan, holds),
    tries(40),
  );
  const { acknowledged, rejected, failed } = counts;
  t.log(`${acknowledged} writes acknowledged, ${rejected} rejected; failed: ${JSON.stringify(failed)}`);
  t.pass();
});

test('cuts off the rest of a failed write on close', async (t) => {
  const directory = await tempDir(t);
  const filename = join(directory, 'numbers.db');
  const collection = await open(filename);
  await collection.put('a', 1);
  const failing: Judge = (operation) =>
    operation === 'append' || operation === 'truncate' ? { code: 'EIO', written: 1 } : undefined;
  await withFaults(directory, failing, () => t.throwsAsync(collection.put('a', 2)));
  await collection.close();
  t.is((await open(filename)).get('a'), 1);
});

test('closes a new journal that cannot be synced', async (t) => {
  const directory = await tempDir(t);
  const collection = await open(join(directory, 'numbers.db'));
  const failing: Judge = (operation, file) =>
    operation === 'sync' && file === 'numbers.db.new' ? { code: 'EIO', written: 0 } : undefined;
  await withFaults(directory, failing, async () => {
    for (let value = 0; value < 5 * CHECKPOINT_AFTER; value += 1) await collection.put('a', value);
    await collection.close();
  });
  const descriptors = await readdir('/proc/self/fd');
  const paths = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  t.deepEqual(
    paths.filter((path) => path.startsWith(directory)),
    [],
  );
});

test('reads all complete lines of a file that ends at any byte', async (t) => {
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
  await collection.close();
});
