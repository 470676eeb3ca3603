import { AgentError, imageInUse, imageNotFound, notConfigured } from '../../errors.js';
import { actionName } from '../../model/actions.js';
import { type Guest, isContainer } from '../../model/guest.js';
import type { Image, ImageFetch } from '../../model/image.js';
import { AGENT_RUNNER } from '../../model/job.js';
import { type ImageRequest, type ImageResponse, imageResponseSchema } from '../../rpc/protocol/messages.js';
import type { Task } from '../../store/logged-job.js';
import type { TaskRun } from '../jobs/job-executor.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { type Exchange, requireShape, runPipeline } from '../pipeline/pipeline.js';
import type { Answered, Runtime } from '../runtime.js';

/** The stores an image can be in: disk images and container images. */
const STORES = ['', 'container'] as const;

const imageRequest = (fields: Partial<ImageRequest>): ImageRequest => ({
  id: fields.id ?? '',
  type: fields.type ?? '',
  dest: '',
  source: fields.source ?? '',
  ...(fields.sha256 ? { sha256: fields.sha256 } : {}),
});

const imageExchange = (request: ImageRequest): Exchange<ImageRequest, ImageResponse> => ({
  request: () => request,
  answered: requireShape(imageResponseSchema),
});

const queryStore = async (
  runtime: Runtime,
  store: string,
  name: string,
  request: ImageRequest,
  signal?: AbortSignal,
): Promise<Answered<Image[]>> => {
  const action = runtime.action(actionName(store, name));
  const { pipelineId, answer } = await runtime.query(AGENT_RUNNER, action, imageExchange(request), signal);
  return { pipelineId, answer: answer?.images ?? [] };
};

/** Asks one store, or all that are configured. What one of them does not have is no failure. */
const queryStores = async (
  runtime: Runtime,
  type: string | undefined,
  name: string,
  request: ImageRequest,
  signal?: AbortSignal,
): Promise<Answered<Image[]>> => {
  const stores = type ? [type] : STORES.filter((store) => runtime.isConfigured(actionName(store, name)));
  if (stores.length === 0) throw notConfigured(name);
  const answers = await Promise.all(
    stores.map((store) =>
      queryStore(runtime, store, name, request, signal).catch((error: unknown) => {
        if (error instanceof AgentError && error.kind === 'not_found' && !type) return undefined;
        throw error;
      }),
    ),
  );
  const found = answers.filter((answer) => answer !== undefined);
  return {
    pipelineId: found[0]?.pipelineId ?? '',
    answer: found.flatMap(({ answer }) => answer),
  };
};

/**
 * Lists images.
 * @param type `container` for the container store, any other for the disk store, absent for both
 */
export const listImages = (
  runtime: Runtime,
  type?: string,
  signal?: AbortSignal,
): Promise<Answered<Image[]>> =>
  queryStores(runtime, type, 'listImages', imageRequest({ type: type ?? '' }), signal);

/** @throws {AgentError} `not_found` */
export const getImage = async (
  runtime: Runtime,
  id: string,
  type?: string,
  signal?: AbortSignal,
): Promise<Answered<Image>> => {
  const { pipelineId, answer } = await queryStores(runtime, type, 'getImage', imageRequest({ id }), signal);
  const [image] = answer;
  if (!image) throw imageNotFound(id);
  return { pipelineId, answer: image };
};

const submitImageAction = (
  runtime: Runtime,
  store: string | undefined,
  name: string,
  request: ImageRequest,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> => {
  const action = runtime.action(actionName(store, name));
  return runtime.queue.submit(AGENT_RUNNER, action, { kind: 'image', request }, [], options);
};

export const runImageTask = async (
  { request }: Extract<Task, { kind: 'image' }>,
  { action, run, signal }: TaskRun,
): Promise<Image[]> => (await runPipeline(action, imageExchange(request), { run, signal }))?.images ?? [];

/** Queues the fetching of an image. */
export const fetchImage = (
  runtime: Runtime,
  fetch: ImageFetch,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> =>
  submitImageAction(runtime, fetch.type, 'fetchImage', imageRequest(fetch), options);

const isMadeFrom = (guest: Guest, id: string, store: string): boolean =>
  isContainer(guest) === (store === 'container') &&
  (guest.image === id || (guest.disks ?? []).some(({ image }) => image === id));

/**
 * Queues the deletion of an image that is in one of the stores.
 * @throws {AgentError} `not_found`, or `conflict` when there are guests made from it
 */
export const deleteImage = async (
  runtime: Runtime,
  id: string,
  type?: string,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> => {
  const { answer: image } = await getImage(runtime, id, type);
  const store = type ?? image.type;
  const guests = runtime.guests.list().filter((guest) => isMadeFrom(guest, id, store));
  if (guests.length > 0)
    throw imageInUse(
      id,
      guests.map((guest) => guest.id),
    );
  return submitImageAction(runtime, store, 'deleteImage', imageRequest({ id, type: store }), options);
};

/**
 * Checks that the images that a virtual machine's disks are to be cloned from are there. A container's image may
 * be pulled when it is created, so only its sub-agent can tell.
 * @param caller whose signal is asked for when there is an image to ask for: to make one costs more than the look
 * @throws {AgentError} `not_found`
 */
export const requireImages = async (
  runtime: Runtime,
  guest: Guest,
  caller: { readonly signal: AbortSignal },
): Promise<void> => {
  if (isContainer(guest) || !runtime.isConfigured('getImage')) return;
  const ids = new Set([guest.image, ...(guest.disks ?? []).map(({ image }) => image)].filter(Boolean));
  for (const id of ids as Set<string>) {
    const { answer } = await queryStore(runtime, '', 'getImage', imageRequest({ id }), caller.signal).catch(
      (error: unknown) => {
        if (error instanceof AgentError && error.kind === 'not_found') throw imageNotFound(id);
        throw error;
      },
    );
    if (answer.length === 0) throw imageNotFound(id);
  }
};
