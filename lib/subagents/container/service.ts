import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../errors.js';
import { requireKnownFile } from '../../files/state-file.js';
import { createGuard } from '../../http/guard.js';
import { Reachable } from '../../http/reachable.js';
import type { Logger } from '../../log.js';
import { type ExecRequest, execRequestSchema } from '../../model/exec.js';
import type { Guest } from '../../model/guest.js';
import {
  type GuestRequest,
  type GuestResponse,
  guestRequestSchema,
} from '../../rpc/protocol/guest-messages.js';
import { imageRequestSchema } from '../../rpc/protocol/image-messages.js';
import { inGuestRequestSchema } from '../../rpc/protocol/in-guest-messages.js';
import { logsRequestSchema } from '../../rpc/protocol/logs-messages.js';
import { networksRequestSchema } from '../../rpc/protocol/network-messages.js';
import { downloadImageRequestSchema } from '../../rpc/protocol/upload-messages.js';
import { volumeRequestSchema } from '../../rpc/protocol/volume-messages.js';
import { GuestStates } from '../../rpc/server/guest-states.js';
import { Problems } from '../../rpc/server/problems.js';
import { Programs } from '../../rpc/server/programs.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import { HostRegistry } from '../shared/host/registry.js';
import { addMetricsMethods } from '../shared/metrics-methods.js';
import { SwitchPorts } from '../shared/network/switch-ports.js';
import type { Running } from '../shared/run.js';
import { shutdownTimeoutMs } from '../shared/shutdown-timeout.js';
import { containerAddresses } from './addresses.js';
import { openShell } from './console.js';
import { STOP_TIMEOUT_S } from './definition.js';
import { Engine } from './engine.js';
import { NoEngineError } from './errors.js';
import { exec, requireRunning } from './exec.js';
import { ExecMessages } from './exec-session.js';
import { Guests } from './guests.js';
import { HealthChecks } from './health/checks.js';
import { Credentials } from './images/credentials.js';
import { imageMethods } from './images/methods.js';
import { openArchiveOf } from './images/save.js';
import * as lifecycle from './lifecycle.js';
import { containerRequestSchema, getContainer, listContainers, saveContainer } from './listing.js';
import { openLogs } from './logs.js';
import { addMakingMethods, respondState } from './making-methods.js';
import * as metrics from './metrics.js';
import { listNetworks } from './nics/list.js';
import { networks } from './nics/switches.js';
import { type PolicyOptions, policyOf } from './policy.js';
import { addChangeMethods } from './replace/methods.js';
import { engineSockets } from './sockets.js';
import { addVolumeTransfers, volumeMethods } from './volumes/methods.js';
import { Watcher } from './watcher.js';

export interface ContainerOptions extends PolicyOptions {
  /** Directory for files that the engine does not store. */
  dir: string;
  /** The directory of what the agents of this host have claimed. */
  hostDir: string;
  /** Sockets of the container engine: see `engineSockets`. */
  engine?: string[];
  /** Directories of files that may be loaded as images; by default `import` in `dir`. */
  importDir?: string[];
  /** The file with the credentials of registries; by default `auth.json` in `dir`. */
  registryAuth?: string;
  /** Addresses and networks off the Internet that a source of an image may have. */
  privateAddress?: string[];
}

/** @param note takes what the response's message should say about a success */
type Change = (guests: Guests, request: GuestRequest, note: (message: string) => void) => Promise<void>;

/** @throws {Refusal} when the timeout is no number in range */
const timeoutMs = ({ args, guest }: GuestRequest): number =>
  shutdownTimeoutMs(args, { mayBeZero: true }) ?? (guest.container?.stopTimeout ?? STOP_TIMEOUT_S) * 1000;

const restart: Change = (guests, request, note) =>
  lifecycle.restart(guests, request.guest.id, timeoutMs(request), note);

/** The methods whose result is the guest's new state. */
const CHANGES: Record<`MDocker.${string}`, Change> = {
  'MDocker.StartContainer': (guests, { guest }) => lifecycle.start(guests, guest.id),
  'MDocker.StopContainer': (guests, request, note) =>
    lifecycle.stop(guests, request.guest.id, timeoutMs(request), note),
  'MDocker.RestartContainer': restart,
  'MDocker.RebootContainer': restart,
  'MDocker.PauseContainer': (guests, { guest }) => lifecycle.pause(guests, guest.id),
  'MDocker.UnpauseContainer': (guests, { guest }) => lifecycle.unpause(guests, guest.id),
  'MDocker.Status': async () => undefined,
};

const remove = async (guests: Guests, guest: Guest): Promise<GuestResponse> => {
  const { id, state } = guest;
  const notes: string[] = [];
  try {
    await lifecycle.remove(guests, guest, (message) => void notes.push(message));
  } catch (error) {
    // Without an engine no container can have been created, and its failed guest must be deletable.
    if (!(error instanceof NoEngineError && state === 'error' && !guests.engine.socket)) throw error;
  }
  return { guest: { id, state: 'deleted' }, ...(notes.length > 0 ? { message: notes.join('; ') } : {}) };
};

const addGuestMethods = (subAgent: SubAgent, guests: Guests, credentials: Credentials): void => {
  addMakingMethods(subAgent, guests, credentials);
  addChangeMethods(subAgent, guests, credentials);
  for (const [name, change] of Object.entries(CHANGES) as [keyof typeof CHANGES, Change][]) {
    subAgent.method(name, guestRequestSchema, async (request) => {
      const notes: string[] = [];
      await change(guests, request, (message) => void notes.push(message));
      const response = await respondState(guests, request.guest.id);
      return notes.length > 0 ? { ...response, message: notes.join('; ') } : response;
    });
  }
  subAgent.method(
    'MDocker.Exec',
    inGuestRequestSchema(execRequestSchema.required()),
    async ({ guest: { id }, body }, { signal }) => ({
      guest: { id },
      result: await exec(guests, id, body as ExecRequest, signal),
    }),
  );
  subAgent.method('MDocker.Addresses', guestRequestSchema, async ({ guest }) => ({
    guest: { id: guest.id },
    result: await containerAddresses(guests, guest),
  }));
  subAgent.method('MDocker.DeleteContainer', guestRequestSchema, ({ guest }) => remove(guests, guest));
  addMetricsMethods(subAgent, 'MDocker', guests, metrics);
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
    return engine.problemOf(error);
  }
};

/** Starts watching the engine and returns the sub-agent, which does not listen yet. */
export const startContainerSubAgent = async (options: ContainerOptions, log: Logger): Promise<Running> => {
  const engine = new Engine(engineSockets(options.engine));
  const guestStates = new GuestStates();
  const portsFile = join(options.dir, 'switch-ports.json');
  const registry = await HostRegistry.open(options.hostDir, 'container', options.dir, () =>
    requireKnownFile(portsFile),
  );
  const problems = new Problems();
  const programs = new Programs();
  const ports = new SwitchPorts({
    ...{ networks, problems, log },
    file: portsFile,
    onChange: (id) => void guests.refresh(id).catch((error) => log.warn({ guest: id }, errorMessage(error))),
  });
  const guests: Guests = new Guests({
    ...{ engine, registry, states: guestStates, ports, log },
    policy: policyOf(options),
  });
  const watcher = new Watcher(guests, { problems, programs, log });
  const healthChecks = new HealthChecks(guests, log);
  const guard = createGuard({ reachable: new Reachable(options.privateAddress) });
  const credentials = new Credentials(options.registryAuth ?? join(options.dir, 'auth.json'));
  const deps = { engine, guard, credentials, importDirs: await importDirs(options) };
  await ports.load();
  await watcher.start();
  healthChecks.start();

  const subAgent = new SubAgent({
    ...{ name: 'container', log, guestStates, problems, programs },
    check: () => check(engine),
  });
  addGuestMethods(subAgent, guests, credentials);
  subAgent
    .method('MDocker.ListContainers', containerRequestSchema, (request) => listContainers(engine, request))
    .method('MDocker.GetContainer', containerRequestSchema, (request) => getContainer(engine, request))
    .method('MDocker.SaveContainer', containerRequestSchema, (request) => saveContainer(engine, request));
  for (const [name, method] of Object.entries(imageMethods(deps)))
    subAgent.method(`MDocker.${name}`, imageRequestSchema, method);
  for (const [name, method] of Object.entries(volumeMethods(guests.volumes)))
    subAgent.method(`MDocker.${name}`, volumeRequestSchema, method);
  addVolumeTransfers(subAgent, guests.volumes);
  subAgent.method('MDocker.ListNetworks', networksRequestSchema, (_request, { signal }) =>
    listNetworks(guests, networks, signal),
  );
  subAgent.console('/console/serial', ({ guest }) => openShell(guests, guest));
  subAgent.console('/exec', async ({ guest }) => {
    await requireRunning(guests, guest);
    return { bytes: new ExecMessages(guests, guest), takesText: true };
  });
  subAgent.stream('/images/download', downloadImageRequestSchema, ({ id }, { signal }) =>
    openArchiveOf(engine, id, signal),
  );
  subAgent.stream('/logs', logsRequestSchema, (request, { signal }) => openLogs(guests, request, signal));
  const close = async (): Promise<void> => {
    watcher.close();
    healthChecks.close();
    ports.close();
    await registry.close();
  };
  return { subAgent, close };
};
