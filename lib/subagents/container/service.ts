import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Guest, normalizeGuest } from '../../model/guest.js';
import {
  allMetricsRequestSchema,
  type GuestMetricsRequest,
  type GuestMetricsResponse,
  type GuestRequest,
  type GuestResponse,
  guestMetricsRequestSchema,
  guestRequestSchema,
  imageRequestSchema,
} from '../../rpc/protocol/messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import { GuestStates } from '../../rpc/server/guest-states.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import type { Running } from '../shared/run.js';
import { openShell } from './console.js';
import { Engine } from './engine.js';
import { NoEngineError } from './errors.js';
import { Containers } from './guests.js';
import { imageMethods } from './images/methods.js';
import * as lifecycle from './lifecycle.js';
import { containerRequestSchema, getContainer, listContainers, saveContainer } from './listing.js';
import * as metrics from './metrics.js';
import { engineSockets } from './sockets.js';
import { Watcher } from './watcher.js';

/** What Docker and Podman, too, grant a container that is asked to end. */
const STOP_TIMEOUT_S = 10;
const MAX_TIMEOUT_S = 3600;

export interface ContainerOptions {
  /** Where things are kept that no engine keeps. */
  dir: string;
  /** Where the container engine may listen; see `engineSockets`. */
  engine?: string[];
  /** Directories that images may be loaded from as files; by default `import` in `dir`. */
  importDir?: string[];
}

type Change = (containers: Containers, request: GuestRequest) => Promise<void>;

/** @throws when the stage's `timeout` is no number of seconds */
const timeoutMs = ({ args }: GuestRequest): number => {
  const seconds = Number(args?.timeout ?? STOP_TIMEOUT_S);
  if (!(seconds >= 0 && seconds <= MAX_TIMEOUT_S))
    throw new Error(`timeout "${args?.timeout}": give a number of seconds up to ${MAX_TIMEOUT_S}`);
  return seconds * 1000;
};

const restart: Change = (containers, request) =>
  lifecycle.restart(containers, request.guest.id, timeoutMs(request));

/** The methods that answer how the guest is when they are done. */
const CHANGES: Record<`MDocker.${string}`, Change> = {
  'MDocker.StartContainer': (containers, { guest }) => lifecycle.start(containers, guest.id),
  'MDocker.StopContainer': (containers, request) =>
    lifecycle.stop(containers, request.guest.id, timeoutMs(request)),
  'MDocker.RestartContainer': restart,
  'MDocker.RebootContainer': restart,
  'MDocker.PauseContainer': (containers, { guest }) => lifecycle.pause(containers, guest.id),
  'MDocker.UnpauseContainer': (containers, { guest }) => lifecycle.unpause(containers, guest.id),
  'MDocker.Status': async () => undefined,
};

type Measure = (
  containers: Containers,
  id: string,
) => Promise<Pick<GuestMetricsResponse, 'cpu' | 'disk' | 'nic'>>;

const MEASURES: Record<`MDocker.${string}`, { type: GuestMetricsRequest['type']; measure: Measure }> = {
  'MDocker.CPUMetrics': {
    type: 'cpu',
    measure: async (containers, id) => ({ cpu: await metrics.cpuMetrics(containers, id) }),
  },
  'MDocker.DiskMetrics': {
    type: 'disk',
    measure: async (containers, id) => ({ disk: await metrics.diskMetrics(containers, id) }),
  },
  'MDocker.NicMetrics': {
    type: 'nic',
    measure: async (containers, id) => ({ nic: await metrics.nicMetrics(containers, id) }),
  },
};

const entries = <Value>(table: Record<`MDocker.${string}`, Value>): [`MDocker.${string}`, Value][] =>
  Object.entries(table) as [`MDocker.${string}`, Value][];

const answerState = async (containers: Containers, id: string): Promise<GuestResponse> => {
  const { state, revision } = await containers.state(id);
  return { guest: { id, state }, revision };
};

const create = async (
  containers: Containers,
  request: GuestRequest,
  { signal, progress }: CallContext,
): Promise<GuestResponse> => {
  const made = await lifecycle.create(containers, normalizeGuest(request.guest), { signal, progress });
  const { guest, revision } = await answerState(containers, request.guest.id);
  const filledIn = made ? { memory: made.memory, nics: made.nics } : {};
  return { guest: { ...filledIn, ...guest }, ...(revision === undefined ? {} : { revision }) };
};

const remove = async (containers: Containers, { id, state }: Guest): Promise<GuestResponse> => {
  try {
    await lifecycle.remove(containers, id);
  } catch (error) {
    // On a host without an engine nothing can have been created, and who tried must be able to delete the guest.
    if (!(error instanceof NoEngineError && state === 'error' && !containers.engine.socket)) throw error;
  }
  return { guest: { id, state: 'deleted' } };
};

const addGuestMethods = (subAgent: SubAgent, containers: Containers): void => {
  subAgent.method('MDocker.CreateContainer', guestRequestSchema, (request, call) =>
    create(containers, request, call),
  );
  for (const [name, change] of entries(CHANGES)) {
    subAgent.method(name, guestRequestSchema, async (request) => {
      await change(containers, request);
      return answerState(containers, request.guest.id);
    });
  }
  subAgent.method('MDocker.DeleteContainer', guestRequestSchema, ({ guest }) => remove(containers, guest));
  subAgent.method('MDocker.AllMetrics', allMetricsRequestSchema, async () => ({
    guests: await metrics.allMetrics(containers),
  }));
  for (const [name, { type, measure }] of entries(MEASURES)) {
    subAgent.method(name, guestMetricsRequestSchema, async ({ guest: { id } }) => ({
      guest: { id },
      type,
      ...(await measure(containers, id)),
    }));
  }
};

const importDirs = async ({ dir, importDir }: ContainerOptions): Promise<string[]> => {
  if (importDir?.length) return importDir;
  const path = join(dir, 'import');
  await mkdir(path, { recursive: true, mode: 0o700 });
  return [path];
};

const check = async (engine: Engine): Promise<string | undefined> => {
  try {
    await engine.connect();
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
};

/** The sub-agent, with the guests that its engine has, if there is one; it does not listen yet. */
export const startContainers = async (options: ContainerOptions, log: Logger): Promise<Running> => {
  const engine = new Engine(engineSockets(options.engine));
  const guestStates = new GuestStates();
  const containers = new Containers(engine, guestStates, log);
  const watcher = new Watcher(containers, log);
  const deps = { engine, importDirs: await importDirs(options) };
  await watcher.start();

  const subAgent = new SubAgent({ name: 'container', log, guestStates, check: () => check(engine) });
  addGuestMethods(subAgent, containers);
  subAgent
    .method('MDocker.ListContainers', containerRequestSchema, (request) => listContainers(engine, request))
    .method('MDocker.GetContainer', containerRequestSchema, (request) => getContainer(engine, request))
    .method('MDocker.SaveContainer', containerRequestSchema, (request) => saveContainer(engine, request));
  for (const [name, method] of Object.entries(imageMethods(deps)))
    subAgent.method(`MDocker.${name}`, imageRequestSchema, method);
  subAgent.console('/console/serial', ({ guest }) => openShell(containers, guest));
  return { subAgent, close: () => watcher.close() };
};
