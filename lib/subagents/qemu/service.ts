import { mkdir } from 'node:fs/promises';
import { errorMessage } from '../../errors.js';
import { lockDirectory } from '../../files/directory-lock.js';
import type { Logger } from '../../log.js';
import { type Guest, type Metadata, normalizeGuest } from '../../model/guest.js';
import type { HostNetwork, HostNetworks } from '../../model/host-networks.js';
import { USER_NETWORK } from '../../model/nics.js';
import type { UidRange } from '../../process/guest-uids.js';
import { isRoot } from '../../process/unprivileged.js';
import {
  type GuestRequest,
  type GuestResponse,
  guestRequestSchema,
} from '../../rpc/protocol/guest-messages.js';
import {
  allMetricsRequestSchema,
  type GuestMetricsRequest,
  type GuestMetricsResponse,
  guestMetricsRequestSchema,
} from '../../rpc/protocol/metrics-messages.js';
import { networksRequestSchema } from '../../rpc/protocol/network-messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import { GuestStates } from '../../rpc/server/guest-states.js';
import { Problems } from '../../rpc/server/problems.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import { GuestClaims } from '../shared/host/guest-claims.js';
import { HostRegistry } from '../shared/host/registry.js';
import { createNetworks, type Networks } from '../shared/network/networks.js';
import { SwitchPorts } from '../shared/network/switch-ports.js';
import type { Running } from '../shared/run.js';
import { shutdownTimeoutMs } from '../shared/shutdown-timeout.js';
import { openSerial } from './console/serial.js';
import { SerialLines } from './console/serial-lines.js';
import { openVnc } from './console/vnc.js';
import { Capacity, type CapacityLimits } from './guests/capacity.js';
import type { Entry } from './guests/entry.js';
import { Guests } from './guests/guests.js';
import * as lifecycle from './guests/lifecycle.js';
import { toldMachine } from './guests/machines.js';
import * as metrics from './guests/metrics.js';
import * as power from './guests/power.js';
import type { PowerOptions } from './guests/power-options.js';
import { reboot, resumeReboots } from './guests/reboot.js';
import { type GuestRecord, loadRecords } from './guests/records.js';
import { checkUpgrade, upgradeMachine } from './guests/upgrade.js';
import { createLayout, type LayoutOptions } from './layout.js';
import { type AccelChoice, chooseAccel } from './machine/accel.js';
import { QemuProgram } from './machine/program.js';
import { claimUids } from './process/uid-claim.js';
import { UidPool } from './process/uids.js';

/** How soon guests are warned after QEMU's package was upgraded. */
const REVIEW_MS = 60_000;

export interface QemuOptions extends LayoutOptions, CapacityLimits {
  accel: AccelChoice;
  qemu: string;
  /** The users that guests' QEMUs run as, used only by root; by default a range that no other agent has. */
  uidRange?: UidRange;
  /** The directory of what the agents of this host have claimed. */
  hostDir: string;
  /** The address of Open vSwitch's database; the system's by default. */
  ovsDb?: string;
}

type MethodName = `Libvirt.${string}`;

type Handler = (guests: Guests, request: GuestRequest, call: CallContext) => Promise<GuestResponse>;

/** The metadata of a guest; `undefined` when the caller sent nothing but the guest's id. */
const sentMetadata = ({ id: _, ...rest }: GuestRequest['guest']): Metadata | undefined =>
  Object.keys(rest).length > 0 ? (rest.metadata ?? {}) : undefined;

/**
 * Reads the arguments `timeout`, in seconds, and `force`. The agent's config or its client's request sets them.
 * @throws {Refusal} when one of them is malformed
 */
const powerOptions = ({ guest, args = {} }: GuestRequest, notes: string[]): PowerOptions => {
  const { force = 'false' } = args;
  const timeoutMs = shutdownTimeoutMs(args);
  if (force !== 'true' && force !== 'false')
    throw new Refusal('invalid', `"force" must be true or false, got "${force}"`);
  return {
    timeoutMs,
    force: force === 'true',
    metadata: sentMetadata(guest),
    note: (message) => void notes.push(message),
  };
};

const stateResponse = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const { revision, warnings = [], ...state } = await guests.state(entry);
  return { guest: { ...state, warnings }, revision };
};

/** The state and the whole definition, which fills in the guest's defaults at the agent. */
const definitionResponse = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const { guest, revision } = await stateResponse(guests, entry);
  // Without the metadata: the definition has only a part of it, and clients may have changed it since.
  const { metadata: _, ...definition } = entry.record.definition;
  return { guest: { ...definition, ...guest }, ...(revision === undefined ? {} : { revision }) };
};

type PowerChange = (guests: Guests, id: string, options: PowerOptions, signal: AbortSignal) => Promise<Entry>;

const withOptions =
  (respond: typeof stateResponse, change: PowerChange): Handler =>
  async (guests, request, { signal }) => {
    const notes: string[] = [];
    const options = powerOptions(request, notes);
    const response = await respond(guests, await change(guests, request.guest.id, options, signal));
    return notes.length > 0 ? { ...response, message: notes.join('; ') } : response;
  };

const withState = (change: PowerChange): Handler => withOptions(stateResponse, change);

const withDefinition =
  (change: (guests: Guests, guest: Guest) => Promise<Entry>): Handler =>
  async (guests, { guest }) =>
    definitionResponse(guests, await change(guests, normalizeGuest(guest)));

/** The methods, named as in the original agent's libvirt sub-agent. */
const METHODS: Record<MethodName, Handler> = {
  'Libvirt.CheckGuest': async (guests, { guest }) => {
    const { definition, machine } = await lifecycle.check(guests, normalizeGuest(guest));
    guests.host.capacity.check(definition);
    const { metadata: _, ...checked } = definition;
    return { guest: { ...checked, ...toldMachine(machine) } };
  },
  'Libvirt.CheckUpgrade': async (guests, { guest, args }) => ({
    guest: await checkUpgrade(guests, guest.id, args),
  }),
  'Libvirt.UpgradeMachine': async (guests, { guest, args }) => {
    const { entry, message } = await upgradeMachine(guests, guest.id, args);
    return { ...(await stateResponse(guests, entry)), message };
  },
  'Libvirt.CreateGuest': withDefinition(lifecycle.define),
  'Libvirt.Create': withDefinition(lifecycle.create),
  'Libvirt.Delete': async (guests, { guest }) => {
    await lifecycle.remove(guests, guest.id);
    return { guest: { id: guest.id } };
  },
  'Libvirt.Restart': withState(power.restart),
  'Libvirt.Reboot': withState(reboot),
  'Libvirt.Poweroff': withState(power.poweroff),
  'Libvirt.Shutdown': withState(power.shutdown),
  // With the definition: the start may have added serials to its disks.
  'Libvirt.Run': withOptions(definitionResponse, lifecycle.run),
  'Libvirt.Status': async (guests, { guest }) => stateResponse(guests, guests.get(guest.id)),
  'Libvirt.Suspend': withState(lifecycle.suspend),
  'Libvirt.Resume': withState(lifecycle.resume),
};

type Measure = (guests: Guests, id: string) => Promise<Pick<GuestMetricsResponse, 'cpu' | 'disk' | 'nic'>>;

const MEASURES: Record<MethodName, { type: GuestMetricsRequest['type']; measure: Measure }> = {
  'Libvirt.CPUMetrics': {
    type: 'cpu',
    measure: async (guests, id) => ({ cpu: await metrics.cpuMetrics(guests, id) }),
  },
  'Libvirt.DiskMetrics': {
    type: 'disk',
    measure: async (guests, id) => ({ disk: await metrics.diskMetrics(guests, id) }),
  },
  'Libvirt.NicMetrics': {
    type: 'nic',
    measure: async (guests, id) => ({ nic: await metrics.nicMetrics(guests, id) }),
  },
};

const entries = <Value>(table: Record<MethodName, Value>): [MethodName, Value][] =>
  Object.entries(table) as [MethodName, Value][];

/** Without root every guest runs as the sub-agent's own user, so there is no pool then. */
const createUidPool = async (
  { uidRange }: QemuOptions,
  registry: HostRegistry,
  records: readonly GuestRecord[],
  log: Logger,
): Promise<UidPool | undefined> => {
  if (isRoot()) {
    const recorded = records.flatMap(({ uid }) => uid ?? []);
    return new UidPool(await claimUids(registry, uidRange, recorded));
  }
  log.warn('sub-agent is not root: guests run as its user and are not isolated from each other');
  return undefined;
};

const warnWithoutSandbox = async (program: QemuProgram, log: Logger): Promise<void> => {
  try {
    if (!(await program.sandbox()))
      log.warn('sandbox unavailable in this QEMU or kernel: guests run without seccomp');
  } catch (error) {
    log.warn({ err: error }, `QEMU does not work, no guest can start: ${errorMessage(error)}`);
  }
};

const addMethods = (subAgent: SubAgent, guests: Guests): void => {
  for (const [name, handler] of entries(METHODS))
    subAgent.method(name, guestRequestSchema, (request, call) => handler(guests, request, call));
  for (const [name, { type, measure }] of entries(MEASURES)) {
    subAgent.method(name, guestMetricsRequestSchema, async ({ guest }) => ({
      guest: { id: guest.id },
      type,
      ...(await measure(guests, guest.id)),
    }));
  }
  subAgent.method('Libvirt.AllMetrics', allMetricsRequestSchema, async () => ({
    guests: await metrics.allMetrics(guests),
  }));
};

/** The network that QEMU itself gives to guests on network `user`: qemu-system(1), `-netdev user`. */
const USER: HostNetwork = {
  ...{ name: USER_NETWORK, kind: 'user', guests: ['vm'] },
  ...{ subnets: ['10.0.2.0/24', 'fec0::/64'], usable: true },
};

const addNetworks = (subAgent: SubAgent, networks: Networks): void => {
  subAgent.method('Libvirt.ListNetworks', networksRequestSchema, async (): Promise<HostNetworks> => {
    const switches = await networks.list(['vm']);
    return { ...switches, networks: [...switches.networks, USER] };
  });
};

const addConsoles = (subAgent: SubAgent, guests: Guests): void => {
  const lines = new SerialLines();
  subAgent
    .console('/console/serial', ({ guest, scrollback }) => ({
      bytes: openSerial(guests.get(guest).paths, lines, scrollback),
    }))
    .console('/console/vnc', async ({ guest }) => ({ bytes: await openVnc(guests.get(guest).paths) }));
};

/** Creates the sub-agent and finds the guests of an earlier one. It does not listen yet. */
export const startQemu = async (options: QemuOptions, log: Logger): Promise<Running> => {
  const layout = createLayout(options);
  const registry = await HostRegistry.open(options.hostDir, 'qemu', layout.dir);
  await mkdir(layout.runRoot, { recursive: true, mode: 0o700 });
  const runLock = await lockDirectory(layout.runRoot, 'qemu sub-agent', '--run-dir');
  const records = await loadRecords(layout, log);
  const accel = await chooseAccel(options.accel);
  const program = new QemuProgram(options.qemu, accel);
  log.info({ accel, diskDirs: layout.diskDirs }, 'accelerator chosen');
  const guestStates = new GuestStates();
  const networks = createNetworks(options.ovsDb);
  // Probed now so that the first start need not wait; an error is reported by that start.
  program.nicModels().catch(() => undefined);
  program.capabilities().catch(() => undefined);
  await warnWithoutSandbox(program, log);
  const uids = await createUidPool(options, registry, records, log);
  const problems = new Problems();
  const ports = new SwitchPorts({
    ...{ networks, problems, log },
    file: layout.switchPorts,
    onChange: (id) => guests.showPorts(id),
  });
  const claims = new GuestClaims(registry);
  const host = { layout, program, capacity: new Capacity(options), networks, ports, uids, claims };
  const guests: Guests = new Guests(host, guestStates, log);
  await ports.load();
  await guests.recover(records);
  resumeReboots(guests, log);
  const subAgent = new SubAgent({ name: 'qemu', log, guestStates, problems, check: () => program.check() });
  addMethods(subAgent, guests);
  addNetworks(subAgent, networks);
  addConsoles(subAgent, guests);
  const reviews = setInterval(() => void guests.review(), REVIEW_MS);
  const close = async (): Promise<void> => {
    clearInterval(reviews);
    guests.close();
    ports.close();
    await runLock.release();
    await registry.close();
  };
  return { subAgent, close };
};
