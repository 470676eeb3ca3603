import { queueFull } from '../../errors.js';
import { AGENT_RUNNER } from '../../model/job.js';
import type { Task } from '../../store/logged-job.js';
import { MAX_WAITING, Runner } from './runner.js';

/** A runner that a job may use until it ends. */
export interface Lane {
  runner: Runner;
  /** Call it when the job has ended. */
  leave: () => void;
}

/** The actions on the backup of a volume that read or make the volume. */
const ACTIONS_ON_VOLUMES: ReadonlySet<string> = new Set(['createVolumeBackup', 'restoreVolumeBackup']);

/**
 * Names the lane of a task whose job does not run on its guest's runner: the jobs of one image run in order, and so do those
 * of one volume and of one backup. The backup of a guest runs beside the guest's other actions, which would otherwise wait for hours.
 * @param guest the GuestID of the job
 * @returns `undefined` for a job that runs on its guest's runner
 */
export const laneOf = (task: Task, guest: string): string | undefined => {
  switch (task.kind) {
    case 'image':
      return `image ${task.request.type === 'container' ? 'container' : 'kvm'} ${task.request.id}`;
    case 'volume':
      return `volume ${task.request.name}`;
    case 'backup':
      return task.name === 'createBackup' ? `guest ${guest}` : `backup ${task.backup ?? ''}`;
    case 'volumeBackup':
      return ACTIONS_ON_VOLUMES.has(task.name) ? `volume ${task.volume}` : `backup ${task.backup}`;
    default:
      return undefined;
  }
};

/** The lanes that have jobs. No lane waits for another. */
export class Lanes {
  readonly #lanes = new Map<string, { runner: Runner; jobs: number }>();

  /** @throws {AgentError} `queue_full` when too many jobs wait, whatever their lanes */
  requireRoom(): void {
    const waiting = this.all().reduce((sum, runner) => sum + runner.waiting, 0);
    if (waiting >= MAX_WAITING) throw queueFull(AGENT_RUNNER, MAX_WAITING);
  }

  /** Takes a lane for a job; it exists as long as one of its jobs does. */
  enter(key: string): Lane {
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
