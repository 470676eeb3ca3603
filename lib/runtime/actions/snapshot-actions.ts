import { AgentError, invalid } from '../../errors.js';
import type { ActionOfTask } from '../../model/actions.js';
import { diskNumber } from '../../model/disks.js';
import type { Guest } from '../../model/guest.js';
import { describeSnapshot, type Snapshot } from '../../model/snapshot.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { DiskWish } from '../../rpc/protocol/disk-download.js';
import type { SnapshotRequest, SnapshotResponse } from '../../rpc/protocol/snapshot-messages.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { runPipeline } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';
import { withChecks } from './dry-run.js';
import { requireStopped } from './require-stopped.js';
import {
  exchangeFor,
  type SnapshotSelector,
  snapshotExchange,
  snapshotRequest,
} from './snapshot-exchange.js';
import { requireSnapshotQuota } from './snapshot-quota.js';
import { requireNotTemplate } from './templates.js';

const runSnapshotQuery = async (
  runtime: Runtime,
  name: 'listSnapshots' | 'getSnapshot',
  selector: SnapshotSelector,
  signal?: AbortSignal,
): Promise<ActionResult<Snapshot[]>> => {
  const request = snapshotRequest(selector);
  const { pipelineId, result } = await runtime.query(
    selector.guest.id,
    runtime.action(name),
    snapshotExchange(request),
    signal,
  );
  return { pipelineId, result: result?.snapshots ?? [] };
};

export const querySnapshots = (
  runtime: Runtime,
  selector: SnapshotSelector,
  signal?: AbortSignal,
): Promise<ActionResult<Snapshot[]>> => runSnapshotQuery(runtime, 'listSnapshots', selector, signal);

/** @throws {AgentError} `not_found` */
export const querySnapshot = async (
  runtime: Runtime,
  selector: SnapshotSelector,
  signal?: AbortSignal,
): Promise<ActionResult<Snapshot[]>> => {
  const found = await runSnapshotQuery(runtime, 'getSnapshot', selector, signal);
  if (found.result.length === 0)
    throw new AgentError('not_found', `${describeSnapshot(snapshotRequest(selector).id)}: not found`);
  return found;
};

const submitSnapshotAction = async (
  runtime: Runtime,
  name: ActionOfTask<'snapshot'>,
  guest: Guest,
  request: SnapshotRequest,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  requireNotTemplate(guest, name);
  const action = runtime.action(name);
  const submission = await runtime.queue.submit(guest.id, action, { kind: 'snapshot', request }, [], options);
  return withChecks(submission, action, () => exchangeFor(runtime, name, guest.id, request));
};

const lister =
  (runtime: Runtime, signal?: AbortSignal) =>
  async (guest: Guest): Promise<Snapshot[]> =>
    (await querySnapshots(runtime, { guest }, signal)).result;

/** Gives a guest's disks the sizes that a rollback has given back to them. */
const withSizes =
  (sizes: NonNullable<SnapshotResponse['sizes']>) =>
  (guest: Guest): Guest => {
    if (!guest.disks) return guest;
    const sizeOf = new Map(sizes.map(({ number, size }) => [number, size]));
    const disks = guest.disks.map((disk, index) => ({
      ...disk,
      size: sizeOf.get(diskNumber(disk, index)) ?? disk.size,
    }));
    return { ...guest, disks };
  };

export const runSnapshotTask = async (
  runtime: Runtime,
  { request }: Extract<Task, { kind: 'snapshot' }>,
  { job, action, run, signal, retryWrite }: JobContext,
): Promise<Snapshot[]> => {
  const { snapshots } = runtime;
  requireNotTemplate(runtime.guests.get(job.GuestID), job.Action);
  const isCreation = job.Action === 'createSnapshot' || job.Action === 'createCheckpoint';
  const exchange = exchangeFor(runtime, job.Action, job.GuestID, request);
  // The stages that end what a resumed job began must run in any case.
  if (isCreation && run.fromStage > 0) snapshots.begin();
  else if (isCreation) await requireSnapshotQuota(runtime, lister(runtime, signal), () => snapshots.begin());
  try {
    await runPipeline(action, exchange, { run, signal });
    const sizes = exchange.sizes();
    if (sizes) await retryWrite(() => runtime.guests.update(job.GuestID, withSizes(sizes)));
    return exchange.snapshots();
  } finally {
    if (isCreation) snapshots.end();
    snapshots.changed(job.GuestID);
  }
};

/** A snapshot that a client asks for. */
export interface NewSnapshot {
  /** Its name. */
  dest: string;
  /** `""` for none. */
  description?: string;
  /** Whether it has the guest's memory, too. */
  memory?: boolean;
}

/** Its file has a name of one character more. */
const MAX_NAME_WITH_MEMORY = 254;

/** @throws {AgentError} `invalid` when a snapshot cannot have the guest's memory */
const requireMemoryFits = ({ disk }: SnapshotSelector, { dest, memory = false }: NewSnapshot): void => {
  if (!memory) return;
  if (disk !== undefined)
    throw invalid('a snapshot of one disk has no memory: take one of the guest, or leave "memory" out');
  if (dest.length > MAX_NAME_WITH_MEMORY)
    throw invalid(`the name of a snapshot with memory has at most ${MAX_NAME_WITH_MEMORY} characters`);
};

/**
 * Queues the creation of a snapshot.
 * @throws {AgentError} `invalid` when it cannot have the guest's memory
 * @throws {AgentError} `conflict` when the quota of the host does not permit another snapshot
 */
export const submitSnapshotCreation = async (
  runtime: Runtime,
  selector: SnapshotSelector,
  wish: NewSnapshot,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  const { dest, description = '', memory = false } = wish;
  requireMemoryFits(selector, wish);
  const request = snapshotRequest(selector, { dest, ...(description === '' ? {} : { description }) });
  await requireSnapshotQuota(runtime, lister(runtime));
  const name = memory ? 'createCheckpoint' : 'createSnapshot';
  return submitSnapshotAction(runtime, name, selector.guest, request, options);
};

/**
 * Queues the change of a snapshot's description.
 * @param description `""` removes it
 */
export const submitSnapshotUpdate = (
  runtime: Runtime,
  selector: SnapshotSelector,
  description: string,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  const request = snapshotRequest(selector, { description });
  return submitSnapshotAction(runtime, 'updateSnapshot', selector.guest, request, options);
};

export const submitSnapshotDeletion = (
  runtime: Runtime,
  selector: SnapshotSelector,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> =>
  submitSnapshotAction(runtime, 'deleteSnapshot', selector.guest, snapshotRequest(selector), options);

/** How a client wants a rollback. */
export interface RollbackWish {
  /** Whether to destroy newer snapshots, which otherwise prevent the rollback. */
  destroyMoreRecent: boolean;
  /** Whether the guest's memory is rolled back, too; absent for as far as the snapshot has it. */
  memory?: boolean;
  /** Whether a guest that runs is powered off first. */
  poweroff?: boolean;
}

/**
 * Queues the rollback of a guest or a disk to a snapshot.
 * @throws {AgentError} `conflict` when the guest runs and has no queued actions that may stop it; `invalid` when the memory
 * of one disk is asked for
 */
export const submitSnapshotRollback = async (
  runtime: Runtime,
  selector: SnapshotSelector,
  { destroyMoreRecent, memory, poweroff = false }: RollbackWish,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  if (memory && selector.disk !== undefined)
    throw invalid('a snapshot of one disk has no memory: roll the guest back, or leave "memory" out');
  const request = snapshotRequest(selector, {
    destroyMoreRecent,
    ...(memory === undefined ? {} : { memory }),
    ...(poweroff ? { poweroff } : {}),
  });
  if (!poweroff) requireStopped(runtime, selector.guest, 'roll it back');
  return submitSnapshotAction(runtime, 'rollbackSnapshot', selector.guest, request, options);
};

/** Opens the content of a disk's snapshot. */
export const openSnapshot = (
  runtime: Runtime,
  selector: SnapshotSelector,
  wish: DiskWish,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> => {
  const action = runtime.action('downloadSnapshot');
  return runtime.stream(selector.guest.id, action, snapshotRequest(selector, wish), signal);
};
