import { Runner } from './jobs/runner.js';

/** The runners of the guests, and that of the agent's own actions, made when they are first needed. */
export class Runners {
  readonly #runners = new Map<string, Runner>();

  get(id: string): Runner {
    let runner = this.#runners.get(id);
    if (!runner) {
      runner = new Runner(id);
      this.#runners.set(id, runner);
    }
    return runner;
  }

  all(): Runner[] {
    return [...this.#runners.values()];
  }

  forget(id: string): void {
    this.#runners.delete(id);
  }
}
