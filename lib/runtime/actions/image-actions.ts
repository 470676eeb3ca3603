import { AgentError, imageInDrive, imageInUse, imageNotFound, invalid, notConfigured } from '../../errors.js';
import { type ActionOfTask, actionName } from '../../model/actions.js';
import { type Guest, isContainer } from '../../model/guest.js';
import type { Image, ImageFetch } from '../../model/image.js';
import { AGENT_RUNNER } from '../../model/job.js';
import {
  type ImageOrigin,
  type ImageRequest,
  type ImageResponse,
  imageResponseSchema,
} from '../../rpc/protocol/image-messages.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { type Exchange, requireShape, runPipeline } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';
import { withChecks } from './dry-run.js';

/** The stores of images by type: disk images and container images. */
const STORES = ['', 'container'] as const;

export const imageRequest = (fields: Partial<ImageRequest>): ImageRequest => ({
  id: fields.id ?? '',
  type: fields.type ?? '',
  dest: '',
  source: fields.source ?? '',
  ...(fields.sha256 ? { sha256: fields.sha256 } : {}),
  ...(fields.sha512 ? { sha512: fields.sha512 } : {}),
  ...(fields.sums ? { sums: fields.sums } : {}),
  ...(fields.format ? { format: fields.format } : {}),
  ...(fields.refresh ? { refresh: true } : {}),
  ...(fields.platform ? { platform: fields.platform } : {}),
  ...(fields.origin ? { origin: fields.origin } : {}),
  ...(fields.upload ? { upload: true } : {}),
});

const imageExchange = (request: ImageRequest): Exchange<ImageRequest, ImageResponse> => ({
  request: () => request,
  onResponse: requireShape(imageResponseSchema),
});

type ImageQuery = 'listImages' | 'getImage' | 'unusedImages';

const queryStore = async (
  runtime: Runtime,
  store: string,
  name: ImageQuery,
  request: ImageRequest,
  signal?: AbortSignal,
): Promise<ActionResult<Image[]>> => {
  const action = runtime.action(actionName(store, name));
  const { pipelineId, result } = await runtime.query(AGENT_RUNNER, action, imageExchange(request), signal);
  return { pipelineId, result: result?.images ?? [] };
};

/** Queries the store of a type, or all configured stores, and merges their images. `not_found` from one of several is ignored. */
const queryStores = async (
  runtime: Runtime,
  type: string | undefined,
  name: ImageQuery,
  request: ImageRequest,
  signal?: AbortSignal,
): Promise<ActionResult<Image[]>> => {
  const stores = type ? [type] : STORES.filter((store) => runtime.isConfigured(actionName(store, name)));
  if (stores.length === 0) throw notConfigured(name);
  const results = await Promise.all(
    stores.map((store) =>
      queryStore(runtime, store, name, request, signal).catch((error: unknown) => {
        if (error instanceof AgentError && error.kind === 'not_found' && !type) return undefined;
        throw error;
      }),
    ),
  );
  const found = results.filter((result) => result !== undefined);
  return {
    pipelineId: found[0]?.pipelineId ?? '',
    result: found.flatMap(({ result }) => result),
  };
};

/**
 * Lists images.
 * @param type `container` for the container store, any other type for the disk store; absent for both
 */
export const queryImages = (
  runtime: Runtime,
  type?: string,
  signal?: AbortSignal,
): Promise<ActionResult<Image[]>> =>
  queryStores(runtime, type, 'listImages', imageRequest({ type: type ?? '' }), signal);

/** @throws {AgentError} `not_found` */
export const queryImage = async (
  runtime: Runtime,
  id: string,
  type?: string,
  signal?: AbortSignal,
): Promise<ActionResult<Image>> => {
  const { pipelineId, result } = await queryStores(runtime, type, 'getImage', imageRequest({ id }), signal);
  const [image] = result;
  if (!image) throw imageNotFound(id);
  return { pipelineId, result: image };
};

/** Lists the container images that no container was made from: those that `pruneImages` would delete. */
export const queryUnusedImages = (runtime: Runtime, signal?: AbortSignal): Promise<ActionResult<Image[]>> =>
  queryStore(runtime, 'container', 'unusedImages', imageRequest({ type: 'container' }), signal);

export const submitImageAction = async (
  runtime: Runtime,
  store: string | undefined,
  name: ActionOfTask<'image'>,
  request: ImageRequest,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> => {
  const action = runtime.action(actionName(store, name));
  const submission = await runtime.queue.submit(
    AGENT_RUNNER,
    action,
    { kind: 'image', request },
    [],
    options,
  );
  return withChecks(submission, action, () => imageExchange(request));
};

export const runImageTask = async (
  { request }: Extract<Task, { kind: 'image' }>,
  { action, run, signal }: JobContext,
): Promise<Image[]> => (await runPipeline(action, imageExchange(request), { run, signal }))?.images ?? [];

/**
 * Queues the fetch of an image.
 * @throws {AgentError} `invalid` for a disk image with a platform
 */
export const submitImageFetch = async (
  runtime: Runtime,
  fetch: ImageFetch,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> => {
  if (fetch.platform && fetch.type !== 'container')
    throw invalid(`image ${fetch.id}: a platform is for container images; leave it out`);
  return submitImageAction(runtime, fetch.type, 'fetchImage', imageRequest(fetch), options);
};

/** Queues the deletion of the container images that no container was made from. */
export const submitImagePrune = (runtime: Runtime, options?: SubmitOptions): Promise<Submission<Image[]>> =>
  submitImageAction(runtime, 'container', 'pruneImages', imageRequest({ type: 'container' }), options);

/** Queues the creation of an image of a guest's disk. */
export const submitImageOfGuest = (
  runtime: Runtime,
  id: string,
  origin: ImageOrigin,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> => {
  const guest = runtime.guests.get(origin.guest);
  if (isContainer(guest))
    throw invalid(`guest ${guest.id} is a container: only the disks of virtual machines become images`);
  return submitImageAction(runtime, undefined, 'createImage', imageRequest({ id, origin }), options);
};

const isMadeFrom = (guest: Guest, id: string, store: string): boolean =>
  isContainer(guest) === (store === 'container') &&
  (guest.image === id || (guest.disks ?? []).some(({ image }) => image === id));

const hasInDrive = ({ cdroms = [] }: Guest, id: string): boolean => cdroms.some(({ image }) => image === id);

/**
 * Queues the deletion of an image.
 * @throws {AgentError} `not_found`, or `conflict` when a guest was made from it or has it in a CD drive
 */
export const submitImageDeletion = async (
  runtime: Runtime,
  id: string,
  type?: string,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> => {
  const { result: image } = await queryImage(runtime, id, type);
  const store = type ?? image.type;
  const guests = runtime.guests.list().filter((guest) => isMadeFrom(guest, id, store));
  if (guests.length > 0)
    throw imageInUse(
      id,
      guests.map((guest) => guest.id),
    );
  const drives = runtime.guests.list().filter((guest) => hasInDrive(guest, id));
  if (drives.length > 0 && store !== 'container')
    throw imageInDrive(
      id,
      drives.map((guest) => guest.id),
    );
  return submitImageAction(runtime, store, 'deleteImage', imageRequest({ id, type: store }), options);
};

/**
 * Checks that this host has the images of a virtual machine's disks. Containers are not checked: their images may be
 * pulled when they are created.
 * @param caller its `signal` is read only when there is an image to look up, because creating the signal costs more
 * than the check
 * @throws {AgentError} `not_found`
 */
export const requireImages = async (
  runtime: Runtime,
  guest: Guest,
  caller: { readonly signal: AbortSignal },
): Promise<void> => {
  if (isContainer(guest) || !runtime.isConfigured('getImage')) return;
  const named = [...(guest.disks ?? []), ...(guest.cdroms ?? [])].map(({ image }) => image);
  const ids = new Set([guest.image, ...named].filter(Boolean));
  for (const id of ids as Set<string>) {
    const { result } = await queryStore(runtime, '', 'getImage', imageRequest({ id }), caller.signal).catch(
      (error: unknown) => {
        if (error instanceof AgentError && error.kind === 'not_found') throw imageNotFound(id);
        throw error;
      },
    );
    if (result.length === 0) throw imageNotFound(id);
  }
};
