import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Locks } from '../../../../../lib/async/keyed-locks.js';
import { Retries } from '../../../../../lib/subagents/shared/retries.js';
import { readRollbackMark } from '../../../../../lib/subagents/shared/rollback-mark.js';
import { prepareSnapshot } from '../../../../../lib/subagents/storage/snapshots/create.js';
import { prepareDeletion } from '../../../../../lib/subagents/storage/snapshots/delete.js';
import type { SnapshotDeps } from '../../../../../lib/subagents/storage/snapshots/deps.js';
import { SnapshotsInUse } from '../../../../../lib/subagents/storage/snapshots/in-use.js';
import { Journal } from '../../../../../lib/subagents/storage/snapshots/journal.js';
import { recoverAll } from '../../../../../lib/subagents/storage/snapshots/recover.js';
import { prepareRollback } from '../../../../../lib/subagents/storage/snapshots/rollback.js';
import type { Selection } from '../../../../../lib/subagents/storage/snapshots/select.js';
import { isTorn } from '../../../../../lib/subagents/storage/snapshots/torn.js';
import { GUEST_ID, silentLog } from '../../../../helpers/sub-agents.js';
import { tempDir } from '../../../../helpers/temp.js';
import { type Content, CrashingJournal, crashingStore, type Fault, Process } from './crashing-store.js';

// Guarantees: G42.

const MAX_DISKS = 3;

type Prepare = (deps: SnapshotDeps, selection: Selection) => Promise<() => Promise<unknown>>;

/** Each operation, with the name of the snapshot that it is about. All disks have the snapshots `old` and `new`. */
const OPERATIONS: Record<string, [name: string, prepare: Prepare]> = {
  create: ['third', prepareSnapshot],
  delete: ['old', prepareDeletion],
  rollback: ['old', (deps, selection) => prepareRollback(deps, selection, true)],
};

const newDisks = (count: number): Content[] =>
  Array.from({ length: count }, () => ({
    now: 'now',
    snapshots: ['old', 'new'].map((name) => ({ name, content: name })),
  }));

/** A guest's disks and the files about them, which outlive each process. */
class World {
  readonly disks: Content[];
  readonly #dir: string;
  #retries = new Retries(1000, 10_000);

  constructor(dir: string, count: number) {
    this.#dir = dir;
    this.disks = newDisks(count);
  }

  static async make(t: ExecutionContext, count: number): Promise<World> {
    const dir = await tempDir(t);
    await mkdir(join(dir, 'guest'));
    return new World(dir, count);
  }

  /** Starts a process, as the sub-agent starts: it recovers first. */
  async start(fault?: Fault): Promise<{ deps: SnapshotDeps; process: Process }> {
    this.#retries.close();
    this.#retries = new Retries(1000, 10_000);
    const process = new Process(fault);
    const journal = new CrashingJournal(join(this.#dir, 'journal'), process);
    await journal.open();
    const deps: SnapshotDeps = {
      store: crashingStore(this.disks, join(this.#dir, 'guest'), process),
      ...{ journal, locks: new Locks(), inUse: new SnapshotsInUse(), retries: this.#retries, log: silentLog },
      runDir: join(this.#dir, 'run'),
    };
    await recoverAll(deps);
    return { deps, process };
  }

  async mayStart(): Promise<boolean> {
    return (await readRollbackMark(join(this.#dir, 'guest'))) === undefined;
  }

  async isSettled(): Promise<boolean> {
    const journal = new Journal(join(this.#dir, 'journal'));
    const intent = await journal.find(GUEST_ID);
    return intent === undefined || isTorn(intent);
  }

  /** Whether the disks are at different times, or have different snapshots. */
  get isMixed(): { now: boolean; snapshots: boolean } {
    const [times, lists] = [
      new Set(this.disks.map(({ now }) => now)),
      new Set(this.disks.map(({ snapshots }) => snapshots.map(({ name }) => name).join())),
    ];
    return { now: times.size > 1, snapshots: lists.size > 1 };
  }
}

interface Case {
  operation: string;
  count: number;
  /** A fault during the operation, and a kill during each recovery after it. */
  faults: Fault[];
}

/**
 * Runs an operation with the first fault, then processes that recover with the others, then one without a fault.
 * @returns whether all faults happened
 */
const run = async (t: ExecutionContext, { operation, count, faults }: Case): Promise<boolean> => {
  const words = JSON.stringify({ operation, count, faults });
  const [name = '', prepare] = OPERATIONS[operation] ?? [];
  const world = await World.make(t, count);
  const holds = async (): Promise<void> => {
    if (world.isMixed.now) t.false(await world.mayStart(), `${words}: a guest with mixed disks may start`);
  };
  const [first, ...others] = faults;
  const { deps, process } = await world.start(first);
  const disks = (await deps.store.findDisks(GUEST_ID)) ?? [];
  const selection: Selection = { id: `guests/${GUEST_ID}@${name}`, guest: GUEST_ID, disks, name, aside: [] };
  const succeeded = await prepare?.(deps, selection).then(
    (work) =>
      work().then(
        () => true,
        () => false,
      ),
    () => false,
  );
  if (succeeded)
    t.is(first?.kind === 'kill' && process.isFaulty, false, `${words}: success of a killed process`);
  await holds();
  let allHappened = process.isFaulty;
  for (const fault of others) {
    const recovering = await world.start(fault);
    allHappened &&= recovering.process.isFaulty;
    await holds();
  }
  await world.start();
  await holds();
  t.true(await world.isSettled(), `${words}: the journal is not settled`);
  // A failed deletion says on which disks it is done, and may be repeated.
  if (!(operation === 'delete' && first?.kind === 'failure') && (await world.mayStart()))
    t.deepEqual(world.isMixed, { now: false, snapshots: false }, words);
  if (first?.kind === 'kill')
    t.true(await world.mayStart(), `${words}: a kill alone keeps the guest from starting`);
  return allHappened;
};

for (const operation of Object.keys(OPERATIONS))
  test(`the journal keeps all disks alike, wherever a ${operation} and its recovery are killed or fail`, async (t) => {
    t.timeout(600_000);
    let cases = 0;
    const happens = async (count: number, faults: Fault[]): Promise<boolean> => {
      cases += 1;
      return run(t, { operation, count, faults });
    };
    for (let count = 1; count <= MAX_DISKS; count += 1)
      for (const kind of ['kill', 'failure'] as const)
        for (let at = 1; await happens(count, [{ at, kind }]); at += 1)
          for (
            let next = 1;
            await happens(count, [
              { at, kind },
              { at: next, kind: 'kill' },
            ]);
            next += 1
          );
    t.log(`${cases} cases`);
  });
