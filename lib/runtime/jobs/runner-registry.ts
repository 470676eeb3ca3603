import type { Task } from '../../store/logged-job.js';
import { type Lane, Lanes, laneOf } from './lanes.js';
import { type EnqueueOptions, Runner } from './runner.js';

/** The runners by guest id, the agent's own, and those of lanes; each is made on first use. */
export class RunnerRegistry {
  readonly #runners = new Map<string, Runner>();
  readonly #lanes = new Lanes();

  get(id: string): Runner {
    let runner = this.#runners.get(id);
    if (!runner) {
      runner = new Runner(id);
      this.#runners.set(id, runner);
    }
    return runner;
  }

  /** @throws {AgentError} `queue_full` when there is no room for a job with that task */
  requireRoom(id: string, task: Task, options: EnqueueOptions): void {
    if (laneOf(task, id) !== undefined) this.#lanes.requireRoom();
    // A runner that does not exist yet has room. A dry run must not make one: nothing would remove it.
    else this.#runners.get(id)?.requireRoom(options);
  }

  /** Takes the runner for a job: that of its lane, if its task has one, or else that of its guest. */
  enter(id: string, task: Task): Lane {
    const lane = laneOf(task, id);
    return lane === undefined ? { runner: this.get(id), leave: () => {} } : this.#lanes.enter(lane);
  }

  all(): Runner[] {
    return [...this.#runners.values(), ...this.#lanes.all()];
  }

  remove(id: string): void {
    this.#runners.delete(id);
  }
}
