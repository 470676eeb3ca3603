import { queueFull } from '../../errors.js';
import { AGENT_RUNNER } from '../../model/job.js';
import type { ImageRequest } from '../../rpc/protocol/image-messages.js';
import { MAX_WAITING, Runner } from './runner.js';

/** A runner that a job may use until it ends. */
export interface Lane {
  runner: Runner;
  /** Call it when the job has ended. */
  leave: () => void;
}

const keyOf = ({ id, type }: ImageRequest): string => `${type === 'container' ? type : 'kvm'} ${id}`;

/** The runners of the images that have jobs: the jobs of one image run in order, and no image waits for another. */
export class ImageRunners {
  readonly #lanes = new Map<string, { runner: Runner; jobs: number }>();

  /** @throws {AgentError} `queue_full` when too many image jobs wait, whatever their images */
  requireRoom(): void {
    const waiting = this.all().reduce((sum, runner) => sum + runner.waiting, 0);
    if (waiting >= MAX_WAITING) throw queueFull(AGENT_RUNNER, MAX_WAITING);
  }

  /** Takes the runner of an image for a job; it exists as long as one of its jobs does. */
  enter(request: ImageRequest): Lane {
    const key = keyOf(request);
    const lane = this.#lanes.get(key) ?? { runner: new Runner(AGENT_RUNNER), jobs: 0 };
    this.#lanes.set(key, lane);
    lane.jobs += 1;
    const leave = (): void => {
      lane.jobs -= 1;
      if (lane.jobs === 0) this.#lanes.delete(key);
    };
    return { runner: lane.runner, leave };
  }

  all(): Runner[] {
    return [...this.#lanes.values()].map(({ runner }) => runner);
  }
}
