import type { Task } from '../../store/logged-job.js';
import { ImageRunners, type Lane } from './image-runners.js';
import { type EnqueueOptions, Runner } from './runner.js';

/** The runners by guest id, the agent's own, and those of images; each is made on first use. */
export class RunnerRegistry {
  readonly #runners = new Map<string, Runner>();
  readonly #images = new ImageRunners();

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
    if (task.kind === 'image') this.#images.requireRoom();
    // A runner that does not exist yet has room. A dry run must not make one: nothing would remove it.
    else this.#runners.get(id)?.requireRoom(options);
  }

  /** Takes the runner for a job: that of its image, if its task is about an image, or else that of its guest. */
  enter(id: string, task: Task): Lane {
    return task.kind === 'image'
      ? this.#images.enter(task.request)
      : { runner: this.get(id), leave: () => {} };
  }

  all(): Runner[] {
    return [...this.#runners.values(), ...this.#images.all()];
  }

  remove(id: string): void {
    this.#runners.delete(id);
  }
}
