import { type TimeLimit, withDeadline } from '../../async/deadline.js';
import { errorMessage, serviceTimeout } from '../../errors.js';
import { ACTION_SPECS, actionName } from '../../model/actions.js';
import type { GuestChange, GuestRequest, GuestResponse } from '../../rpc/protocol/guest-messages.js';
import { guestExchange } from '../guests/guest-exchange.js';
import type { RepairContext } from '../jobs/job-queue.js';
import type { Action, Stage } from '../pipeline/action.js';
import { type Exchange, runPipeline } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';

export interface FailedCreate extends RepairContext {
  /** The guest's id. */
  id: string;
  /** The id of the job that failed; absent when the create was never logged. */
  job?: string;
}

/** Limits each clean-up stage of a cancelled create, whose sub-agent may be the one that hangs. */
const CLEAN_UP_CANCELLED_SECONDS = 5;

/** How soon a clean-up that failed is tried again, for as long as the guest is in state `error`. */
const RETRY_MS = 15_000;

type CleanUpExchange = Exchange<GuestRequest, GuestResponse>;

const runStageWithin = (action: Action, stage: Stage, exchange: CleanUpExchange, signal: AbortSignal) => {
  const run = (stageSignal: AbortSignal) =>
    runPipeline({ ...action, stages: [stage] }, exchange, { signal: stageSignal });
  if (!signal.aborted) return run(signal);
  const limit: TimeLimit = {
    ms: CLEAN_UP_CANCELLED_SECONDS * 1000,
    expired: () => serviceTimeout(stage.service.name, stage.method, CLEAN_UP_CANCELLED_SECONDS),
  };
  return withDeadline(limit, undefined, run);
};

/**
 * Runs a stage of an action that removes what another action left behind.
 * @param change what the stage gets besides the guest
 */
export const runCleanUpStage = (
  runtime: Runtime,
  action: Action,
  stage: Stage,
  { id, signal }: Pick<FailedCreate, 'id' | 'signal'>,
  change?: GuestChange,
) => runStageWithin(action, stage, guestExchange(runtime, action, id, { change }), signal);

/**
 * Runs the stages of `delete` to remove what a failed create left behind. A failed stage is logged and skipped.
 * @param exchangeOf makes the exchange of the stages
 * @returns whether there is nothing left to do
 */
const cleanUp = async (
  runtime: Runtime,
  create: FailedCreate,
  exchangeOf: (action: Action) => CleanUpExchange,
): Promise<boolean> => {
  const { id, job } = create;
  const name = actionName(runtime.guests.get(id).type, 'delete');
  if (!runtime.isConfigured(name)) return true;
  const action = runtime.action(name);
  const isDeleteQueued = (): boolean =>
    runtime.jobs.list({ guestId: id }).some(({ Action, Status }) => Action === name && Status === 'Queued');
  let isDone = true;
  for (const stage of action.stages) {
    runtime.queue.detached.throwIfAborted();
    if (isDeleteQueued()) return true;
    try {
      await runStageWithin(action, stage, exchangeOf(action), create.signal);
    } catch (error) {
      isDone = false;
      runtime.log.warn(
        { guest: id, job },
        `${stage.method} failed while cleaning up a failed create: ${errorMessage(error)}`,
      );
    }
  }
  return isDone;
};

/** Cleans up after a failed create again, later, unless the guest is deleted or created again before. */
export const retryCleanUp = (runtime: Runtime, id: string): void => {
  const isWanted = (): boolean =>
    !runtime.queue.detached.aborted && runtime.guests.find(id)?.state === 'error';
  // Stores nothing: the guest may be created again meanwhile.
  const silent = (action: Action): CleanUpExchange => ({
    request: ({ args }) => ({
      guest: runtime.guests.get(id),
      action: action.name,
      ...(args ? { args } : {}),
    }),
  });
  const repair = async (context: RepairContext): Promise<void> => {
    if (isWanted() && !(await cleanUp(runtime, { id, ...context }, silent))) retryCleanUp(runtime, id);
  };
  setTimeout(() => {
    if (isWanted()) runtime.queue.enqueueRepair(id, repair);
  }, RETRY_MS).unref();
};

/**
 * Removes what a failed create left behind and sets the guest's state to `error`.
 * @throws {AgentError} `unavailable` when the agent stops: the next start repeats it
 */
export const cleanUpFailedCreate = async (runtime: Runtime, create: FailedCreate): Promise<void> => {
  const isDone = await cleanUp(runtime, create, (action) => guestExchange(runtime, action, create.id));
  runtime.queue.detached.throwIfAborted();
  await create.retryWrite(() =>
    runtime.guests.update(create.id, ({ vnc: _vnc, reason: _reason, ...current }) => ({
      ...current,
      state: 'error',
    })),
  );
  if (!isDone) retryCleanUp(runtime, create.id);
};

/** The error of a guest's last creation; empty when it did not fail, or the job log no longer has it. */
export const createFailure = (runtime: Runtime, id: string): string => {
  const last = runtime.jobs
    .list({ guestId: id })
    .find(({ Action }) => ACTION_SPECS.get(Action)?.createsGuest);
  return last?.Status === 'Error' ? last.Message : '';
};

/** Sets the state of a created guest to `unknown` when no stage has set one. */
export const finishCreate = async (runtime: Runtime, id: string): Promise<void> => {
  // Skips the update when it would change nothing: even then it would wait for other writes.
  if (runtime.guests.get(id).state !== 'create') return;
  await runtime.guests.update(id, (guest) =>
    guest.state === 'create' ? { ...guest, state: 'unknown' } : guest,
  );
};
