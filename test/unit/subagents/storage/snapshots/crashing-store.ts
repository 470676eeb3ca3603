import { MB } from '../../../../../lib/model/units.js';
import type { DiskStore } from '../../../../../lib/subagents/storage/disk-store.js';
import { Journal } from '../../../../../lib/subagents/storage/snapshots/journal.js';
import type { StoredDisk } from '../../../../../lib/subagents/storage/stored.js';
import { TornError } from '../../../../../lib/subagents/storage/torn-error.js';

/** What happens at one operation: the process is killed just before it, or the operation fails. */
export type Fault = { at: number; kind: 'kill' | 'failure' };

/** Counts the operations of a process, and ends it or fails one of them. */
export class Process {
  readonly #fault: Fault | undefined;
  #count = 0;
  #isDead = false;

  constructor(fault?: Fault) {
    this.#fault = fault;
  }

  /** Whether the fault has happened. */
  get isFaulty(): boolean {
    return this.#fault !== undefined && this.#count >= this.#fault.at;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Call before each operation. A killed process does nothing any more. */
  step(): void {
    this.#count += 1;
    if (this.#count === this.#fault?.at) {
      if (this.#fault.kind === 'failure') throw new Error('injected failure');
      this.#isDead = true;
    }
    if (this.#isDead) throw new Error('the process is killed');
  }
}

/** The journal on real files, whose changes are operations of the process. */
export class CrashingJournal extends Journal {
  readonly #process: Process;

  constructor(dir: string, process: Process) {
    super(dir);
    this.#process = process;
  }

  override async write(...args: Parameters<Journal['write']>): Promise<void> {
    this.#process.step();
    await super.write(...args);
  }

  override async clear(...args: Parameters<Journal['clear']>): Promise<void> {
    this.#process.step();
    await super.clear(...args);
  }
}

/** A disk's content, and that of its snapshots, oldest first. */
export interface Content {
  now: string;
  snapshots: { name: string; content: string }[];
}

const byIndex = (disks: Content[], { index }: StoredDisk): Content => {
  const disk = disks[index];
  if (!disk) throw new Error(`no disk ${index}`);
  return disk;
};

/**
 * A store in memory that changes one disk after another, each at once.
 * @param dir holds the mark of a rollback; each look at it is an operation
 */
export const crashingStore = (disks: Content[], dir: string, process: Process): DiskStore => {
  const all = disks.map((_, index): StoredDisk => {
    const definition = { bus: 'virtio', device: '', image: '', requested: 0 };
    return { ...definition, index, size: 1, volume: `disk-${index}`, source: `/disk-${index}` };
  });
  const store: Partial<DiskStore> = {
    guestDir: () => {
      process.step();
      return dir;
    },
    findDisks: async () => all,
    keptDisks: async () => [],
    diskBytes: async ({ size }) => size * MB,
    repair: async () => process.step(),
    openedBy: async () => [],
    heldBy: async () => [],
    snapshots: async (disk) =>
      byIndex(disks, disk).snapshots.map(({ name }) => ({ name, consistency: 'crash' as const })),
    createSnapshot: async (wanted, name) => {
      for (const disk of wanted) {
        process.step();
        const { snapshots, now } = byIndex(disks, disk);
        snapshots.push({ name, content: now });
      }
    },
    deleteSnapshot: async (wanted, name) => {
      for (const disk of wanted) {
        process.step();
        const content = byIndex(disks, disk);
        content.snapshots = content.snapshots.filter((snapshot) => snapshot.name !== name);
      }
    },
    rollback: async (steps, name) => {
      for (const [n, { disk }] of steps.entries()) {
        try {
          process.step();
        } catch (error) {
          if (process.isDead || n === 0) throw error;
          const left = steps.slice(n).map((step) => step.disk.index);
          throw new TornError('injected failure', left, { cause: error });
        }
        const content = byIndex(disks, disk);
        const at = content.snapshots.findIndex((snapshot) => snapshot.name === name);
        content.snapshots = content.snapshots.slice(0, at + 1);
        content.now = content.snapshots[at]?.content ?? content.now;
      }
    },
  };
  return store as DiskStore;
};
