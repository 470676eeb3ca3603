import { type TimeLimit, waitFor } from '../../async/deadline.js';
import { AgentError, errorMessage, notCreated } from '../../errors.js';
import {
  ACTION_SPECS,
  type ActionName,
  actionName,
  type GuestTask,
  isCreation,
  isPreempting,
  type PreemptingAction,
} from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import { subAgentPart } from '../../model/guest-patch.js';
import {
  isOff,
  isOffAction,
  isOnAction,
  isPowerAction,
  takenOver,
  turnedOff,
  turnedOn,
} from '../../model/intent.js';
import type { Job } from '../../model/job.js';
import type { MetricsType } from '../../model/metrics.js';
import type { StageArgs } from '../../rpc/protocol/calls.js';
import type { GuestChange } from '../../rpc/protocol/guest-messages.js';
import {
  type GuestMetricsRequest,
  type GuestMetricsResponse,
  guestMetricsResponseSchema,
} from '../../rpc/protocol/metrics-messages.js';
import type { Task } from '../../store/logged-job.js';
import { isDiskChange } from '../guests/changed-disks.js';
import { changedNic } from '../guests/changed-nic.js';
import { dryGuestExchange, guestExchange } from '../guests/guest-exchange.js';
import { updatePlan } from '../guests/updated-guest.js';
import type { JobContext } from '../jobs/job-executor.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { withArgs } from '../pipeline/action.js';
import { requireShape, runPipeline } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';
import { createFailure } from './create-outcome.js';
import { withChecks } from './dry-run.js';
import { runCreate } from './run-create.js';
import { runDiskChange } from './run-disk-change.js';
import { runUpdate } from './run-update.js';
import { requireNotTemplate, requireTemplate } from './templates.js';

/** How long an action waits for the backup that it ends before it runs regardless. */
const END_BACKUP: TimeLimit = {
  ms: 10_000,
  expired: () => new AgentError('timeout', 'the backup has not ended in time'),
};

/** Ends the backup of a guest whose disks an action needs, and waits until it has let go of them. */
const endBackup = async ({ guests, queue }: Runtime, { job, run, signal }: JobContext): Promise<void> => {
  const when = ACTION_SPECS.get(job.Action)?.endsBackup;
  if (when === undefined || (when === 'runs' && !isOff(guests.get(job.GuestID)))) return;
  const backup = await waitFor(queue.endBackup(job.GuestID, job), signal, END_BACKUP).catch(() => undefined);
  if (when === 'runs' && backup !== undefined)
    run.report(`this has ended the backup of the guest by job ${backup}: take it again`);
};

/**
 * Runs the pipeline of a guest's action. A successful `delete` removes the guest from the store; a failed `create`
 * leaves it there in state `error`.
 * @returns the guest as the action left it
 */
export const runGuestTask = async (
  runtime: Runtime,
  { name, args, change, start, note }: Extract<Task, { kind: 'guest' }>,
  context: JobContext,
): Promise<Guest> => {
  const { job, action: configured, run, signal, retryWrite } = context;
  const id = job.GuestID;
  const action = withArgs(configured, args);
  const exchange = guestExchange(runtime, action, id, { change });
  const runStages = () => runPipeline(action, exchange, { run, signal });
  requireNotTemplate(runtime.guests.get(id), name);
  if (name === 'warm') requireTemplate(runtime.guests.get(id));
  const nic = changedNic(runtime.guests.get(id), name, change);
  await endBackup(runtime, context);
  if (isCreation(name)) await runCreate(runtime, context, runStages);
  else if (name === 'update') await runUpdate(runtime, change ?? {}, context);
  else if (isDiskChange(name)) await runDiskChange(runtime, name, change ?? {}, { ...context, action });
  // Another guest may have taken the address since the job was queued.
  else if (nic) await runtime.identities.claim({ id, nics: [nic] }, runStages);
  else await runStages();
  if (isOffAction(name) && !job.Cause && runtime.guests.get(id).intent)
    await retryWrite(() => runtime.guests.update(id, turnedOff));
  // Skips the write that would change nothing, because it would wait for others.
  if (isOnAction(name) && turnedOn(runtime.guests.get(id)) !== runtime.guests.get(id))
    await retryWrite(() => runtime.guests.update(id, turnedOn));
  if (note) run.report(note);
  if (start) await startMade(runtime, context);
  const guest = runtime.guests.get(id);
  if (name === 'delete') {
    await retryWrite(() => runtime.guests.remove(id));
    runtime.forgetGuest(id);
  }
  return guest;
};

/** Queues the start of a guest behind the job that has made or restored it. */
export const startMade = async (runtime: Runtime, { job, run }: JobContext): Promise<void> => {
  try {
    await submitGuestAction(runtime, runtime.guests.get(job.GuestID), 'start');
  } catch (error) {
    run.report(`the guest is there, but was not started: ${errorMessage(error)}`);
  }
};

const survivesPoweroff = (action: string) => ACTION_SPECS.get(action)?.survivesPoweroff;

/** Cancels the jobs that would delay or undo a newly queued poweroff or delete. */
export const preempt = ({ queue }: Runtime, job: Job, name: PreemptingAction): void => {
  void queue.endBackup(job.GuestID, job);
  switch (name) {
    case 'delete':
      // Waiting jobs are behind the delete and are cancelled with the guest.
      queue.supersede(job, { waiting: () => false, running: () => true });
      break;
    case 'poweroff':
      queue.supersede(job, {
        waiting: (other) => survivesPoweroff(other) !== 'waiting',
        running: (other) => survivesPoweroff(other) !== 'running',
      });
      break;
  }
};

/** Lets the word of a client count from now on: the agent no longer tries to start the guest by itself. */
const takeOver = async ({ guests, queue }: Runtime, guest: Guest, name: GuestTask): Promise<void> => {
  if (guest.intent && isPowerAction(name) && !queue.isStopping)
    await guests.update(guest.id, (current) => takenOver(current, name));
};

/** What an action's stages get besides the guest. */
export interface GuestActionOptions {
  args?: StageArgs | undefined;
  change?: GuestChange | undefined;
}

/** The name of a guest's action. A container's own update is for what its sub-agent changes. */
const variantOf = ({ type }: Guest, name: GuestTask, change: GuestChange = {}): ActionName =>
  name === 'update' && !subAgentPart(change) ? name : actionName(type, name);

/**
 * Queues an action of an existing guest. A deletion that is queued or running already is not queued again: all its
 * clients get the same job.
 * @param options `args` are added to those of the action's stages; `change` goes to each stage
 * @throws {AgentError} `conflict` for any action but `delete` on a guest whose creation has failed
 */
export const submitGuestAction = async (
  runtime: Runtime,
  guest: Guest,
  name: GuestTask,
  { args, change, ...options }: SubmitOptions & GuestActionOptions = {},
): Promise<Submission<Guest>> => {
  const action = runtime.action(variantOf(guest, name, change));
  if (guest.state === 'error' && name !== 'delete')
    throw notCreated(guest.id, createFailure(runtime, guest.id));
  requireNotTemplate(guest, name);
  if (!options.cause && !options.dryRun) await takeOver(runtime, guest, name);
  // Nothing may wait between this look and the submission: two deletions at once would not find each other.
  const deletion = name === 'delete' && !options.dryRun ? runtime.queue.find(guest.id, action) : undefined;
  if (deletion) return { job: await deletion.logged, pending: guest, done: deletion.done as Promise<Guest> };
  const task = { kind: 'guest', name, ...(args ? { args } : {}), ...(change ? { change } : {}) } as const;
  const first = isPreempting(name);
  const submission = await runtime.queue.submit(guest.id, action, task, guest, { ...options, first });
  if (submission.job && isPreempting(name)) preempt(runtime, submission.job, name);
  if (submission.job) return submission;
  const withOwnArgs = withArgs(action, args);
  const plan = name === 'update' ? updatePlan(withOwnArgs, change ?? {}) : { action: withOwnArgs, change };
  const exchange = dryGuestExchange(plan.action, guest, plan.change);
  const checked = await withChecks(submission, plan.action, () => exchange);
  return { ...checked, pending: exchange.checked() };
};

type MetricsResult<Type extends MetricsType> = NonNullable<GuestMetricsResponse[Type]>;

const NO_METRICS: { [Type in MetricsType]: MetricsResult<Type> } = { cpu: [], disk: {}, nic: {} };

/** Reads a guest's CPU, disk or NIC counters. */
export const queryMetrics = async <Type extends MetricsType>(
  runtime: Runtime,
  guest: Guest,
  type: Type,
  signal?: AbortSignal,
): Promise<ActionResult<MetricsResult<Type>>> => {
  const action = runtime.action(actionName(guest.type, `${type}Metrics`));
  const { pipelineId, result } = await runtime.query<GuestMetricsRequest, GuestMetricsResponse>(
    guest.id,
    action,
    {
      request: ({ args }) => ({ guest, type, ...(args ? { args } : {}) }),
      onResponse: requireShape(guestMetricsResponseSchema),
    },
    signal,
  );
  return { pipelineId, result: result?.[type] ?? NO_METRICS[type] };
};
