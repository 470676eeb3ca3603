import { type TimeLimit, withDeadline } from '../../async/deadline.js';
import { errorMessage, guestExists, notCreated, serviceTimeout } from '../../errors.js';
import { actionName, type GuestAction } from '../../model/actions.js';
import { type Guest, normalizeGuest } from '../../model/guest.js';
import type { Job } from '../../model/job.js';
import type { MetricsType } from '../../model/metrics.js';
import {
  type GuestMetricsRequest,
  type GuestMetricsResponse,
  guestMetricsResponseSchema,
} from '../../rpc/protocol/messages.js';
import type { Task } from '../../store/logged-job.js';
import { guestExchange } from '../guests/guest-exchange.js';
import type { TaskRun } from '../jobs/job-executor.js';
import type { Settling } from '../jobs/job-queue.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import type { Action, Stage } from '../pipeline/action.js';
import { type PipelineOptions, requireShape, runPipeline } from '../pipeline/pipeline.js';
import type { Answered, Runtime } from '../runtime.js';

const runGuestPipeline = async (
  runtime: Runtime,
  action: Action,
  id: string,
  options: PipelineOptions = {},
): Promise<void> => {
  await runPipeline(action, guestExchange(runtime.guests, runtime.revisions, action, id), options);
};

export interface FailedCreate extends Settling {
  /** The guest's id. */
  id: string;
  /** The id of the job that failed, where there is one. */
  job?: string;
}

/** Whoever has ended a create is not to wait for long: it may be that very sub-agent that hangs. */
const UNDO_AFTER_END_SECONDS = 5;

const undoStage = (runtime: Runtime, action: Action, stage: Stage, { id, signal }: FailedCreate) => {
  const run = (ended: AbortSignal) =>
    runGuestPipeline(runtime, { ...action, stages: [stage] }, id, { signal: ended });
  if (!signal.aborted) return run(signal);
  const limit: TimeLimit = {
    ms: UNDO_AFTER_END_SECONDS * 1000,
    expired: () => serviceTimeout(stage.service.name, stage.method, UNDO_AFTER_END_SECONDS),
  };
  return withDeadline(limit, undefined, run);
};

/** What a failed create may have made on the way is taken away again, as far as the sub-agents can. */
const undoCreate = async (runtime: Runtime, create: FailedCreate): Promise<void> => {
  const { id, job } = create;
  const name = actionName(runtime.guests.get(id).type, 'delete');
  if (!runtime.isConfigured(name)) return;
  const action = runtime.action(name);
  const isDeletedNext = (): boolean =>
    runtime.jobs.list({ guestId: id }).some(({ Action, Status }) => Action === name && Status === 'Queued');
  for (const stage of action.stages) {
    runtime.queue.left.throwIfAborted();
    if (isDeletedNext()) return;
    try {
      await undoStage(runtime, action, stage, create);
    } catch (error) {
      const what = `${stage.method} after the failed create: ${errorMessage(error)}`;
      runtime.log.warn({ guest: id, job }, what);
    }
  }
};

/**
 * A guest whose creation has failed stays, in state `error`, with nothing behind it.
 * @throws {AgentError} `unavailable` when it is left to the next start
 */
export const settleFailedCreate = async (runtime: Runtime, create: FailedCreate): Promise<void> => {
  await undoCreate(runtime, create);
  runtime.queue.left.throwIfAborted();
  await create.persist(() =>
    runtime.guests.update(create.id, ({ vnc: _, ...current }) => ({ ...current, state: 'error' })),
  );
};

/** A guest that was created is no longer being created, also when no stage said in what state it is. */
export const settleCreated = async (runtime: Runtime, id: string): Promise<void> => {
  // Most have said it, and even a write that changes nothing takes its turn behind the others.
  if (runtime.guests.get(id).state !== 'create') return;
  await runtime.guests.update(id, (guest) =>
    guest.state === 'create' ? { ...guest, state: 'unknown' } : guest,
  );
};

/**
 * After `delete` has succeeded the guest is gone; after `create` has failed it is in state `error`.
 * @returns the guest as the action left it
 */
export const runGuestTask = async (
  runtime: Runtime,
  { name }: Extract<Task, { kind: 'guest' }>,
  { job, action, run, signal, persist }: TaskRun,
): Promise<Guest> => {
  try {
    await runGuestPipeline(runtime, action, job.GuestID, { run, signal });
  } catch (error) {
    if (name === 'create')
      await settleFailedCreate(runtime, { id: job.GuestID, job: job.ID, signal, persist });
    throw error;
  }
  if (name === 'create') await persist(() => settleCreated(runtime, job.GuestID));
  const guest = runtime.guests.get(job.GuestID);
  if (name === 'delete') {
    await persist(() => runtime.guests.remove(job.GuestID));
    runtime.forgetGuest(job.GuestID);
  }
  return guest;
};

/**
 * Stores a new guest and queues its creation. When that fails, the guest stays, in state `error`.
 * @throws {AgentError} `conflict` when its id is taken
 */
export const createGuest = async (
  runtime: Runtime,
  wanted: Guest,
  options: SubmitOptions = {},
): Promise<Submission<Guest>> => {
  const action = runtime.action(actionName(wanted.type, 'create'));
  const guest = normalizeGuest({ ...wanted, state: 'create' });
  const task = { kind: 'guest', name: 'create' } as const;
  const submit = () => runtime.queue.submit(guest.id, action, task, guest, options);
  if (options.dryRun) {
    if (runtime.guests.find(guest.id)) throw guestExists(guest.id);
    return submit();
  }
  if (!(await runtime.guests.insert(guest))) throw guestExists(guest.id);
  try {
    return await submit();
  } catch (error) {
    await runtime.guests.remove(guest.id);
    runtime.forgetGuest(guest.id);
    throw error;
  }
};

/** Actions that nothing may hold up: they go ahead of the others and end what would undo them. */
export const OVERRULING: ReadonlySet<string> = new Set(['poweroff', 'delete']);

/** What a poweroff leaves waiting: what neither brings the guest up nor depends on its being up. */
const outlivesPoweroff = (action: string): boolean => /Snapshot$|poweroff$|delete$/i.test(action);

const isCreate = (action: string): boolean => /create$/i.test(action);

/** Ends what is not to hold up, or to undo, an action that was queued. */
export const clearTheWay = ({ queue }: Runtime, job: Job, name: string): void => {
  if (name === 'delete') {
    // What waits is behind it now, and ends with the guest.
    queue.supersede(job, { waiting: () => false, running: () => true });
  } else if (name === 'poweroff') {
    queue.supersede(job, {
      waiting: (other) => !outlivesPoweroff(other),
      running: (other) => !isCreate(other),
    });
  }
};

/**
 * Queues an action of a guest that there is.
 * @throws {AgentError} `conflict` when it could not be created, unless it is to be deleted
 */
export const performGuestAction = async (
  runtime: Runtime,
  guest: Guest,
  name: GuestAction,
  options: SubmitOptions = {},
): Promise<Submission<Guest>> => {
  const action = runtime.action(actionName(guest.type, name));
  if (guest.state === 'error' && name !== 'delete') throw notCreated(guest.id);
  const first = OVERRULING.has(name);
  const task = { kind: 'guest', name } as const;
  const submission = await runtime.queue.submit(guest.id, action, task, guest, { ...options, first });
  if (submission.job) clearTheWay(runtime, submission.job, name);
  return submission;
};

type MetricsAnswer<Type extends MetricsType> = NonNullable<GuestMetricsResponse[Type]>;

const EMPTY_METRICS: { [Type in MetricsType]: MetricsAnswer<Type> } = { cpu: [], disk: {}, nic: {} };

/** Asks for a guest's cpu, disk or nic counters. */
export const queryMetrics = async <Type extends MetricsType>(
  runtime: Runtime,
  guest: Guest,
  type: Type,
  signal?: AbortSignal,
): Promise<Answered<MetricsAnswer<Type>>> => {
  const action = runtime.action(actionName(guest.type, `${type}Metrics`));
  const { pipelineId, answer } = await runtime.query<GuestMetricsRequest, GuestMetricsResponse>(
    guest.id,
    action,
    {
      request: ({ args }) => ({ guest, type, ...(args ? { args } : {}) }),
      answered: requireShape(guestMetricsResponseSchema),
    },
    signal,
  );
  return { pipelineId, answer: answer?.[type] ?? EMPTY_METRICS[type] };
};
