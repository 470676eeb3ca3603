import type { Readable } from 'node:stream';
import { volumeInUse, volumeNotFound } from '../../errors.js';
import type { ActionOfTask } from '../../model/actions.js';
import { namedVolumes } from '../../model/container/mounts.js';
import { AGENT_RUNNER } from '../../model/job.js';
import type { NewVolume, Volume } from '../../model/volume.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import {
  type VolumeRequest,
  type VolumeResponse,
  volumeResponseSchema,
} from '../../rpc/protocol/volume-messages.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { type Exchange, requireShape, requireUploadShape, runPipeline } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';
import { withChecks } from './dry-run.js';

const volumeExchange = (request: () => VolumeRequest): Exchange<VolumeRequest, VolumeResponse> => ({
  request,
  onResponse: requireShape(volumeResponseSchema),
});

const query = async (
  runtime: Runtime,
  action: 'listVolumes' | 'getVolume' | 'unusedVolumes',
  name: string,
  signal?: AbortSignal,
): Promise<ActionResult<Volume[]>> => {
  const exchange = volumeExchange(() => ({ name }));
  const { pipelineId, result } = await runtime.query(AGENT_RUNNER, runtime.action(action), exchange, signal);
  return { pipelineId, result: result?.volumes ?? [] };
};

/** Lists the volumes of this agent, without what they take on the disk. */
export const queryVolumes = (runtime: Runtime, signal?: AbortSignal): Promise<ActionResult<Volume[]>> =>
  query(runtime, 'listVolumes', '', signal);

/** @throws {AgentError} `not_found` */
export const queryVolume = async (
  runtime: Runtime,
  name: string,
  signal?: AbortSignal,
): Promise<ActionResult<Volume>> => {
  const { pipelineId, result } = await query(runtime, 'getVolume', name, signal);
  const [volume] = result;
  if (!volume) throw volumeNotFound(name);
  return { pipelineId, result: volume };
};

/**
 * Returns a volume, without what it takes on the disk.
 * @throws {AgentError} `not_found`
 */
export const findVolume = async (runtime: Runtime, name: string, signal?: AbortSignal): Promise<Volume> => {
  const { result } = await queryVolumes(runtime, signal);
  const volume = result.find((each) => each.name === name);
  if (!volume) throw volumeNotFound(name);
  return volume;
};

const submit = async (
  runtime: Runtime,
  name: ActionOfTask<'volume'>,
  request: VolumeRequest,
  options?: SubmitOptions,
): Promise<Submission<Volume[]>> => {
  const action = runtime.action(name);
  const submission = await runtime.queue.submit(
    AGENT_RUNNER,
    action,
    { kind: 'volume', request },
    [],
    options,
  );
  return withChecks(submission, action, () => volumeExchange(() => request));
};

/** Lists the volumes that guests are to have by their records, with a container or without. */
const volumesOfRecords = ({ guests }: Runtime): Set<string> =>
  new Set(
    guests
      .list()
      .flatMap(({ container: { imageMounts = [], ...files } = {} }) => [
        ...namedVolumes(files),
        ...imageMounts.map(({ volume }) => volume),
      ]),
  );

/** Leaves out of a prune what a guest's record names by now. */
const withoutNamed = (runtime: Runtime, { names, ...request }: VolumeRequest): VolumeRequest => {
  const named = volumesOfRecords(runtime);
  return names ? { ...request, names: names.filter((name) => !named.has(name)) } : request;
};

export const runVolumeTask = async (
  runtime: Runtime,
  { request }: Extract<Task, { kind: 'volume' }>,
  { action, run, signal }: JobContext,
): Promise<Volume[]> => {
  const exchange = volumeExchange(() => withoutNamed(runtime, request));
  return (await runPipeline(action, exchange, { run, signal }))?.volumes ?? [];
};

/** Queues the creation of a volume. */
export const submitVolumeCreation = (
  runtime: Runtime,
  { name, labels, size }: NewVolume,
  options?: SubmitOptions,
): Promise<Submission<Volume[]>> => {
  const request = { name, ...(labels ? { labels } : {}), ...(size === undefined ? {} : { size }) };
  return submit(runtime, 'createVolume', request, options);
};

/**
 * Queues the deletion of a volume with its files.
 * @throws {AgentError} `not_found`, or `conflict` while guests have it mounted, or are to have it by their record
 */
export const submitVolumeDeletion = async (
  runtime: Runtime,
  name: string,
  options?: SubmitOptions,
): Promise<Submission<Volume[]>> => {
  const volume = await findVolume(runtime, name);
  const named = runtime.guests.list().filter(({ container = {} }) => namedVolumes(container).includes(name));
  const guests = new Set([...volume.guests, ...named.map(({ id }) => id)]);
  if (guests.size > 0) throw volumeInUse(name, [...guests]);
  return submit(runtime, 'deleteVolume', { name }, options);
};

/**
 * Lists the volumes that no container has mounted and no guest's record names.
 * @param only the names of those that may be listed; all when absent
 */
export const planVolumePrune = async (
  runtime: Runtime,
  only?: readonly string[],
  signal?: AbortSignal,
): Promise<Volume[]> => {
  const { result } = await query(runtime, 'unusedVolumes', '', signal);
  const named = volumesOfRecords(runtime);
  return result.filter(({ name }) => !named.has(name) && (only?.includes(name) ?? true));
};

/** Queues the deletion of the planned volumes. Those stay that are in use by then. */
export const submitVolumePrune = (
  runtime: Runtime,
  plan: readonly Volume[],
  options?: SubmitOptions,
): Promise<Submission<Volume[]>> =>
  submit(runtime, 'pruneVolumes', { name: '', names: plan.map(({ name }) => name) }, options);

/** Opens the files of a volume as a tar archive. */
export const openVolume = (
  runtime: Runtime,
  name: string,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> =>
  runtime.stream(AGENT_RUNNER, runtime.action('downloadVolume'), { name }, signal);

/**
 * Makes a volume of the files in a tar archive.
 * @throws {AgentError} `conflict` when there is a volume of that name
 */
export const uploadVolume = async (
  runtime: Runtime,
  name: string,
  bytes: Readable,
  signal: AbortSignal,
): Promise<ActionResult<Volume[]>> => {
  const action = runtime.action('uploadVolume');
  const { pipelineId, result } = await runtime.upload(
    AGENT_RUNNER,
    action,
    { request: { name }, bytes },
    signal,
  );
  return { pipelineId, result: requireUploadShape(volumeResponseSchema, action, result).volumes };
};
