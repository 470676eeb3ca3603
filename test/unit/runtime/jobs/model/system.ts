import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GuestAction } from '../../../../../lib/model/actions.js';
import { isFinished } from '../../../../../lib/model/job.js';
import type { ServiceClient } from '../../../../../lib/rpc/client/service-client.js';
import type { GuestRequest } from '../../../../../lib/rpc/protocol/guest-messages.js';
import { submitGuestAction } from '../../../../../lib/runtime/actions/guest-actions.js';
import { recover } from '../../../../../lib/runtime/actions/recover.js';
import { runTask } from '../../../../../lib/runtime/actions/run-task.js';
import { buildAction } from '../../../../../lib/runtime/pipeline/action.js';
import { Service } from '../../../../../lib/runtime/pipeline/service.js';
import { Runtime } from '../../../../../lib/runtime/runtime.js';
import { GuestStore } from '../../../../../lib/store/guest-store.js';
import { JobLog } from '../../../../../lib/store/job-log.js';
import { silentLog } from '../../../../helpers/sub-agents.js';

/** The number of stages of each action, and whether they are idempotent. */
export const STAGES: Record<string, { idempotent: boolean; stages: number }> = {
  start: { idempotent: true, stages: 2 },
  suspend: { idempotent: false, stages: 1 },
  reboot: { idempotent: true, stages: 1 },
  poweroff: { idempotent: true, stages: 1 },
  delete: { idempotent: true, stages: 2 },
};

export const TIMEOUT_SECONDS = 600;

export type Outcome = 'success' | 'failure' | 'another guest';

interface Call {
  guest: string;
  job: string;
  stage: number;
  respond: (outcome: Outcome) => void;
}

const MAX_JOBS = 100_000;
const PATIENCE_MS = 10_000;

/** The real runtime on real files, with a sub-agent that responds on command. */
export class System {
  readonly #directory: string;
  /** Calls without a response yet. */
  #calls: Call[] = [];
  #runtime: Runtime;

  private constructor(directory: string, runtime: Runtime) {
    this.#directory = directory;
    this.#runtime = runtime;
  }

  static async start(directory: string, guests: readonly string[]): Promise<System> {
    const system = new System(directory, undefined as unknown as Runtime);
    await system.#open();
    for (const id of guests) await system.#runtime.guests.insert({ id, state: 'running' });
    return system;
  }

  /** Running jobs, as `GUEST: JOB, stage N`. */
  get running(): string[] {
    return this.#calls.map(({ guest, job, stage }) => `${guest}: ${job}, stage ${stage}`).sort();
  }

  get guests(): string[] {
    return this.#runtime.guests.list().map(({ id }) => id);
  }

  /** @returns the job's id; `undefined` when the queue is full */
  async submit(guest: string, name: GuestAction): Promise<string | undefined> {
    try {
      const { job } = await submitGuestAction(this.#runtime, this.#runtime.guests.get(guest), name);
      return job?.ID;
    } catch (error) {
      if ((error as { kind?: string }).kind !== 'queue_full') throw error;
      return undefined;
    }
  }

  async cancel(job: string): Promise<void> {
    await this.#runtime.queue.cancel(job);
  }

  respond(job: string, outcome: Outcome): void {
    const call = this.#calls.find((each) => each.job === job);
    if (!call) throw new Error(`${job} does not run`);
    this.#calls = this.#calls.filter((each) => each !== call);
    call.respond(outcome);
  }

  /** Restarts as after SIGKILL: nothing that the old process would still do reaches the disk. */
  async restart(): Promise<void> {
    const { guests, jobs } = this.#runtime;
    this.#calls = [];
    await Promise.all([guests.close(), jobs.close()]);
    await this.#open();
    recover(this.#runtime);
  }

  async close(): Promise<void> {
    await Promise.all([this.#runtime.guests.close(), this.#runtime.jobs.close()]);
  }

  hasEnded(job: string): boolean {
    return isFinished(this.#runtime.jobs.get(job));
  }

  /** Waits, in real time, until `difference` returns `undefined`. */
  static async until(difference: () => string | undefined): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (let wrong = difference(); wrong !== undefined; wrong = difference()) {
      if (performance.now() > giveUpAt) throw new Error(wrong);
      await nextTurn();
    }
  }

  async #open(): Promise<void> {
    const guests = await GuestStore.open(join(this.#directory, 'guests.db'));
    const jobs = await JobLog.open(join(this.#directory, 'jobs.db'), MAX_JOBS);
    const service = new Service(
      'test',
      this.#client(() => this.#runtime.guests === guests),
      1000,
    );
    const actions = Object.entries(STAGES).map(([name, { idempotent, stages }]) => {
      const stage = { service: 'test', method: `Test.${name}`, idempotent, timeout: TIMEOUT_SECONDS };
      const config = { stages: Array.from({ length: stages }, () => stage) };
      return [name, buildAction(name, config, new Map([['test', service]]))] as const;
    });
    this.#runtime = new Runtime({
      quota: {},
      ...{ actions: new Map(actions), guests, jobs, log: silentLog, runTask },
      uniqueNames: true,
    });
  }

  #client(isCurrent: () => boolean): ServiceClient {
    return {
      call: (_method, request, { signal, limit, stage } = {}) =>
        new Promise((resolve, reject) => {
          const { guest } = request as GuestRequest;
          const call: Call = {
            guest: guest.id,
            job: stage?.job ?? '',
            stage: stage?.stage ?? -1,
            respond: (outcome) => {
              if (outcome === 'failure') reject(new Error('no'));
              else resolve({ guest: { id: outcome === 'success' ? guest.id : 'somebody-else' } });
            },
          };
          if (!isCurrent()) return;
          this.#calls.push(call);
          const end = (reason: unknown): void => {
            this.#calls = this.#calls.filter((each) => each !== call);
            reject(reason);
          };
          signal?.addEventListener('abort', () => end(signal.reason));
          if (limit) setTimeout(() => end(limit.expired()), limit.ms);
        }),
      open: () => Promise.reject(new Error('no streams')),
      upload: () => Promise.reject(new Error('no uploads')),
      connect: () => Promise.reject(new Error('no consoles')),
      cancel: async () => {},
      close: () => {},
    };
  }
}
