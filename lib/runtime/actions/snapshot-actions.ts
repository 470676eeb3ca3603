import { AgentError } from '../../errors.js';
import type { Guest } from '../../model/guest.js';
import { type Snapshot, snapshotId } from '../../model/snapshot.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import {
  type SnapshotRequest,
  type SnapshotResponse,
  snapshotResponseSchema,
} from '../../rpc/protocol/messages.js';
import type { Task } from '../../store/logged-job.js';
import type { TaskRun } from '../jobs/job-executor.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { type Exchange, requireShape, runPipeline } from '../pipeline/pipeline.js';
import type { Answered, Runtime } from '../runtime.js';

/** Which snapshots: of one disk of a guest or of all, and which one of them. */
export interface SnapshotSelector {
  guest: Guest;
  /** Number or device name; absent for all disks. */
  disk?: string | undefined;
  name?: string | undefined;
}

const hasDisk = ({ disks = [] }: Guest, disk: string): boolean =>
  disks.length === 0 || disks[Number(disk)] !== undefined || disks.some(({ device }) => device === disk);

const snapshotRequest = (
  { guest, disk, name }: SnapshotSelector,
  fields: Partial<Pick<SnapshotRequest, 'dest' | 'destroyMoreRecent'>> = {},
): SnapshotRequest => {
  if (disk !== undefined && !hasDisk(guest, disk)) {
    const devices = guest.disks?.map(({ device }, index) => `${index} (${device})`).join(', ');
    throw new AgentError('not_found', `guest ${guest.id} has no disk ${disk}: it has ${devices}`);
  }
  return {
    id: snapshotId(guest.id, disk, name),
    dest: fields.dest ?? '',
    recursive: disk === undefined,
    destroyMoreRecent: fields.destroyMoreRecent ?? false,
  };
};

const snapshotExchange = (request: SnapshotRequest): Exchange<SnapshotRequest, SnapshotResponse> => ({
  request: () => request,
  answered: requireShape(snapshotResponseSchema),
});

const querySnapshots = async (
  runtime: Runtime,
  name: string,
  selector: SnapshotSelector,
  signal?: AbortSignal,
): Promise<Answered<Snapshot[]>> => {
  const request = snapshotRequest(selector);
  const { pipelineId, answer } = await runtime.query(
    selector.guest.id,
    runtime.action(name),
    snapshotExchange(request),
    signal,
  );
  return { pipelineId, answer: answer?.snapshots ?? [] };
};

export const listSnapshots = (
  runtime: Runtime,
  selector: SnapshotSelector,
  signal?: AbortSignal,
): Promise<Answered<Snapshot[]>> => querySnapshots(runtime, 'listSnapshots', selector, signal);

/** @throws {AgentError} `not_found` */
export const getSnapshot = async (
  runtime: Runtime,
  selector: SnapshotSelector,
  signal?: AbortSignal,
): Promise<Answered<Snapshot[]>> => {
  const answered = await querySnapshots(runtime, 'getSnapshot', selector, signal);
  if (answered.answer.length === 0) throw new AgentError('not_found', `snapshot ${selector.name}: not found`);
  return answered;
};

const submitSnapshotAction = (
  runtime: Runtime,
  name: string,
  guest: Guest,
  request: SnapshotRequest,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  const action = runtime.action(name);
  return runtime.queue.submit(guest.id, action, { kind: 'snapshot', request }, [], options);
};

export const runSnapshotTask = async (
  { request }: Extract<Task, { kind: 'snapshot' }>,
  { action, run, signal }: TaskRun,
): Promise<Snapshot[]> =>
  (await runPipeline(action, snapshotExchange(request), { run, signal }))?.snapshots ?? [];

/** @param dest the new snapshot's name */
export const createSnapshot = (
  runtime: Runtime,
  selector: SnapshotSelector,
  dest: string,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> =>
  submitSnapshotAction(
    runtime,
    'createSnapshot',
    selector.guest,
    snapshotRequest(selector, { dest }),
    options,
  );

export const deleteSnapshot = (
  runtime: Runtime,
  selector: SnapshotSelector,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> =>
  submitSnapshotAction(runtime, 'deleteSnapshot', selector.guest, snapshotRequest(selector), options);

/** States of a guest that has its disks open. */
const LIVE = new Set(['running', 'paused', 'suspended', 'blocked', 'shutdown']);

/** What is queued may stop the guest before its turn comes; then it is for the storage sub-agent to refuse. */
const requireStopped = (runtime: Runtime, { id, state = '' }: Guest): void => {
  if (LIVE.has(state) && runtime.isIdle(id))
    throw new AgentError('conflict', `guest ${id} is ${state}: shut it down first, then roll it back`);
};

/**
 * @param destroyMoreRecent whether newer snapshots, which would be in the way, are destroyed
 * @throws {AgentError} `conflict` when the guest is not stopped, nor about to be
 */
export const rollbackSnapshot = async (
  runtime: Runtime,
  selector: SnapshotSelector,
  destroyMoreRecent: boolean,
  options?: SubmitOptions,
): Promise<Submission<Snapshot[]>> => {
  const request = snapshotRequest(selector, { destroyMoreRecent });
  requireStopped(runtime, selector.guest);
  return submitSnapshotAction(runtime, 'rollbackSnapshot', selector.guest, request, options);
};

/** Opens the bytes of a snapshot. */
export const downloadSnapshot = (
  runtime: Runtime,
  selector: SnapshotSelector,
  signal: AbortSignal,
): Promise<Answered<ByteStream>> =>
  runtime.stream(selector.guest.id, runtime.action('downloadSnapshot'), snapshotRequest(selector), signal);
