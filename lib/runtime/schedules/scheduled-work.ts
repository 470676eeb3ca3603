import type { BaseActionName } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import type { IdempotentRequest } from '../../model/idempotent-request.js';
import type { Schedule } from '../../model/schedule.js';
import type { CurrentRun, MadeByRun } from '../../store/schedule-store.js';
import type { Runtime } from '../runtime.js';

/** What a run works with. */
export interface WorkContext {
  runtime: Runtime;
  schedule: Schedule;
  guest: Guest;
  /** Whether an earlier process of the agent began the run. */
  isResumed: boolean;
  /** Returns the same request for the same thing in the same run, whichever process of the agent asks. */
  requestOf: (what: string) => IdempotentRequest;
  /** Called with each job. */
  onJob: (job: string) => Promise<void>;
  /** Called when the run begins to wait for something that may take long, and must not hold up other guests. */
  onWait: () => void;
  /** Aborted when the agent stops. */
  signal: AbortSignal;
}

/** What the schedules of one kind do. */
export interface ScheduledWork {
  /** The action that the config must have. */
  action: BaseActionName;
  /** Names what a run makes for a guest, before it begins. */
  nameOf: (schedule: Schedule, due: string) => string;
  /** Makes it, or finds that an earlier process of the agent has. Resolves to nothing where nothing is left of the work. */
  make: (context: WorkContext, run: CurrentRun) => Promise<MadeByRun | undefined>;
  /** Returns what is still there of what a schedule has made: a user may have deleted some of it. */
  present?: (context: WorkContext, made: readonly MadeByRun[]) => Promise<MadeByRun[]>;
  /** Deletes one. */
  remove?: (context: WorkContext, made: MadeByRun) => Promise<void>;
  /** Called once all guests of a run have ended, when something was deleted. */
  tidy?: (context: Pick<WorkContext, 'runtime' | 'requestOf' | 'onJob'>) => Promise<void>;
}
