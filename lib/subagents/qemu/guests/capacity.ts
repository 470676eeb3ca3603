import { cpus, totalmem } from 'node:os';
import { counted, MB } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Definition } from '../machine/definition.js';

interface Needs extends Pick<Definition, 'id' | 'memory' | 'cpu'> {
  /** What needs it; `guest ID` by default. */
  what?: string;
}

/** How much guests that run may have together. */
export interface CapacityLimits {
  /** Times the host's memory; 1 by default, which needs no swap. */
  memoryOvercommit?: number;
  /** vCPUs for each of the host's processors; any number by default. */
  cpuOvercommit?: number;
}

/** The memory and processors of a host. */
interface Resources {
  /** MB. */
  memory: number;
  processors: number;
}

const hostResources = (): Resources => ({
  memory: Math.floor(totalmem() / MB),
  processors: cpus().length,
});

/** Memory that can be given back at any time. */
interface Spare {
  memory: number;
  giveBack: () => void;
}

/** The memory and vCPUs of the guests that run. */
export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #host: Resources;
  readonly #taken = new Map<string, Needs>();
  /** In the order of their last use. */
  readonly #spare = new Map<string, Spare>();

  constructor(limits: CapacityLimits, host = hostResources()) {
    this.#limits = limits;
    this.#host = host;
  }

  /** @throws {Refusal} `conflict` when the guests that run leave too little for a guest */
  check({ id, memory, cpu, what = `guest ${id}` }: Needs): void {
    const others = [...this.#taken.values()].filter((other) => other.id !== id);
    const sum = (of: (needs: Needs) => number): number =>
      others.reduce((total, other) => total + of(other), 0);
    const { cpuOvercommit = Number.POSITIVE_INFINITY } = this.#limits;
    const refuse = (needs: string, running: string, limit: string, option: string): never => {
      throw new Refusal(
        'conflict',
        `${what} needs ${needs}, and the guests that run have ${running} of ${limit}: shut one down, or start mistify-qemu with a larger --${option}`,
      );
    };
    const maxMemory = this.#maxMemory();
    const usedMemory = sum((other) => other.memory);
    if (usedMemory + memory > maxMemory)
      refuse(`${memory} MB`, `${usedMemory} MB`, `${maxMemory} MB`, 'memory-overcommit');
    const maxCpus = Math.floor(this.#host.processors * cpuOvercommit);
    const usedCpus = sum((other) => other.cpu);
    if (usedCpus + cpu > maxCpus)
      refuse(counted(cpu, 'vCPU'), counted(usedCpus, 'vCPU'), counted(maxCpus, 'vCPU'), 'cpu-overcommit');
  }

  /** Counts a guest that is known to run. Spare memory that it needs is given back. */
  take({ id, memory, cpu }: Needs): void {
    this.#spare.delete(id);
    this.#taken.set(id, { id, memory, cpu });
    this.#giveBack();
  }

  /** Counts a guest no longer, because it is off. */
  release(id: string): void {
    this.#taken.delete(id);
    this.#spare.delete(id);
  }

  /** Counts memory as spare from now on: no guest needs it, and the one that was used least recently goes first. */
  spare(id: string, memory: number, giveBack: () => void): void {
    this.#taken.delete(id);
    this.#spare.set(id, { memory, giveBack });
    this.#giveBack();
  }

  #maxMemory(): number {
    const { memoryOvercommit = 1 } = this.#limits;
    return Math.floor(this.#host.memory * memoryOvercommit);
  }

  #giveBack(): void {
    const sum = (needs: Iterable<{ memory: number }>): number =>
      [...needs].reduce((total, { memory }) => total + memory, 0);
    for (const [id, { giveBack }] of this.#spare) {
      if (sum(this.#taken.values()) + sum(this.#spare.values()) <= this.#maxMemory()) return;
      this.#spare.delete(id);
      giveBack();
    }
  }
}
