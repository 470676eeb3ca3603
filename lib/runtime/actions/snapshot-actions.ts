import { AgentError } from '../../errors.js';
import type { ActionOfTask } from '../../model/actions.js';
import { diskNumber, findDisk, listDisks, uncertainDisk } from '../../model/disks.js';
import type { Guest } from '../../model/guest.js';
import { isSaved } from '../../model/intent.js';
import { describeSnapshot, type Snapshot, snapshotId } from '../../model/snapshot.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import {
  type SnapshotRequest,
  type SnapshotResponse,
  snapshotResponseSchema,
} from '../../rpc/protocol/snapshot-messages.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { type Exchange, requireShape, runPipeline } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';
import { withChecks } from './dry-run.js';
import { requireStopped } from './require-stopped.js';
import { requireSnapshotQuota } from './snapshot-quota.js';
import { requireNotTemplate } from './templates.js';

/** Selects snapshots of one disk of a guest, or of all its disks, by name or all. */
export interface SnapshotSelector {
  guest: Guest;
  /** Number, serial or device name; absent for all disks. */
  disk?: string | undefined;
  /** Absent for all snapshots. */
  name?: string | undefined;
}

/**
 * Finds the disk that a path names, by its number when the path has its serial, which only our sub-agents know.
 * @throws {AgentError} `not_found` for an unknown disk, `conflict` when the guest may give that name to another disk
 */
const diskOf = ({ id, disks = [] }: Guest, wanted: string): string => {
  if (disks.length === 0) return wanted;
  const found = findDisk(id, disks, wanted);
  if (found === 'uncertain') throw new AgentError('conflict', uncertainDisk(id, disks, wanted));
  if (found === 'unknown')
    throw new AgentError('not_found', `guest ${id} has no disk ${wanted}, only ${listDisks(id, disks)}`);
  const disk = disks[found];
  return disk?.number === undefined && disk?.device === wanted
    ? wanted
    : String(diskNumber(disk ?? {}, found));
};

const snapshotRequest = (
  { guest, disk, name }: SnapshotSelector,
  fields: Partial<Omit<SnapshotRequest, 'id' | 'recursive'>> = {},
): SnapshotRequest => {
  return {
    id: snapshotId(guest.id, disk === undefined ? undefined : diskOf(guest, disk), name),
    dest: '',
    recursive: disk === undefined,
    destroyMoreRecent: false,
    ...fields,
  };
};

const snapshotExchange = (request: SnapshotRequest): Exchange<SnapshotRequest, SnapshotResponse> => ({
  request: () => request,
  onResponse: requireShape(snapshotResponseSchema),
});

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
  return withChecks(submission, action, () => snapshotExchange(request));
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
  const isCreation = job.Action === 'createSnapshot';
  if (isCreation) await requireSnapshotQuota(runtime, lister(runtime, signal), () => snapshots.begin());
  try {
    const response = await runPipeline(action, snapshotExchange(request), { run, signal });
    if (job.Action === 'rollbackSnapshot' && isSaved(runtime.guests.get(job.GuestID)))
      run.report('the memory that was saved belongs to the disks of before: the next start discards it');
    const { sizes } = response ?? {};
    if (sizes) await retryWrite(() => runtime.guests.update(job.GuestID, withSizes(sizes)));
    return response?.snapshots ?? [];
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
}

/**
 * Queues the creation of a snapshot.
 * @throws {AgentError} `conflict` when the quota of the host does not permit another snapshot
 */
export const submitSnapshotCreation = async (
  runtime: Runtime,
  selector: SnapshotSelector,
  { dest, description = '' }: NewSnapshot,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  const request = snapshotRequest(selector, { dest, ...(description === '' ? {} : { description }) });
  await requireSnapshotQuota(runtime, lister(runtime));
  return submitSnapshotAction(runtime, 'createSnapshot', selector.guest, request, options);
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

/**
 * Queues the rollback of disks to a snapshot.
 * @param destroyMoreRecent whether to destroy newer snapshots, which otherwise prevent the rollback
 * @throws {AgentError} `conflict` when the guest runs and has no queued actions that may stop it
 */
export const submitSnapshotRollback = async (
  runtime: Runtime,
  selector: SnapshotSelector,
  destroyMoreRecent: boolean,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  const request = snapshotRequest(selector, { destroyMoreRecent });
  requireStopped(runtime, selector.guest, 'roll it back');
  return submitSnapshotAction(runtime, 'rollbackSnapshot', selector.guest, request, options);
};

/** Opens the bytes of a disk's snapshot. */
export const openSnapshot = (
  runtime: Runtime,
  selector: SnapshotSelector,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> =>
  runtime.stream(selector.guest.id, runtime.action('downloadSnapshot'), snapshotRequest(selector), signal);
