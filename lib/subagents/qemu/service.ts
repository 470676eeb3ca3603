import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Guest, type Metadata, normalizeGuest } from '../../model/guest.js';
import { isRoot } from '../../process/unprivileged.js';
import {
  allMetricsRequestSchema,
  type GuestMetricsRequest,
  type GuestMetricsResponse,
  type GuestRequest,
  type GuestResponse,
  guestMetricsRequestSchema,
  guestRequestSchema,
} from '../../rpc/protocol/messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import { GuestStates } from '../../rpc/server/guest-states.js';
import { Problems } from '../../rpc/server/problems.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import { createNetworks } from '../shared/network/networks.js';
import { SwitchPorts } from '../shared/network/switch-ports.js';
import type { Running } from '../shared/run.js';
import { openSerial } from './console/serial.js';
import { SerialLines } from './console/serial-lines.js';
import { openVnc } from './console/vnc.js';
import type { Entry } from './guests/entry.js';
import { Guests } from './guests/guests.js';
import * as lifecycle from './guests/lifecycle.js';
import * as metrics from './guests/metrics.js';
import * as power from './guests/power.js';
import type { PowerOptions } from './guests/power-options.js';
import { reboot, resumeReboots } from './guests/reboot.js';
import { createLayout, type LayoutOptions } from './layout.js';
import { type AccelChoice, chooseAccel } from './machine/accel.js';
import { QemuProgram } from './machine/program.js';
import { DEFAULT_UID_RANGE, UidPool, type UidRange } from './process/uids.js';

const MAX_TIMEOUT_S = 3600;

export interface QemuOptions extends LayoutOptions {
  accel: AccelChoice;
  qemu: string;
  /** The users that guests' QEMUs run as; used only by root. */
  uidRange?: UidRange;
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
  const { timeout, force = 'false' } = args;
  const seconds = timeout === undefined ? undefined : Number(timeout);
  if (seconds !== undefined && !(seconds > 0 && seconds <= MAX_TIMEOUT_S)) {
    throw new Refusal(
      'invalid',
      `"timeout" must be a number of seconds above 0 and up to ${MAX_TIMEOUT_S}, got "${timeout}"`,
    );
  }
  if (force !== 'true' && force !== 'false')
    throw new Refusal('invalid', `"force" must be true or false, got "${force}"`);
  return {
    timeoutMs: seconds && seconds * 1000,
    force: force === 'true',
    metadata: sentMetadata(guest),
    note: (message) => void notes.push(message),
  };
};

const stateResponse = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const { state, reason, vnc, revision } = await guests.state(entry);
  return { guest: { id: entry.id, state, ...(reason ? { reason } : {}), vnc }, revision };
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
    const { metadata: _, ...definition } = await lifecycle.check(guests, normalizeGuest(guest));
    return { guest: definition };
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
const createUidPool = ({ uidRange = DEFAULT_UID_RANGE }: QemuOptions, log: Logger): UidPool | undefined => {
  if (isRoot()) return new UidPool(uidRange);
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
  const program = new QemuProgram(options.qemu);
  const accel = await chooseAccel(options.accel);
  log.info({ accel, diskDirs: layout.diskDirs }, 'accelerator chosen');
  const guestStates = new GuestStates();
  const networks = createNetworks(options.ovsDb);
  // Probed now so that the first start need not wait; an error is reported by that start.
  program.nicModels().catch(() => undefined);
  await warnWithoutSandbox(program, log);
  const problems = new Problems();
  const ports = new SwitchPorts({
    ...{ networks, problems, log },
    file: layout.switchPorts,
    onChange: (id) => guests.showPorts(id),
  });
  const host = { layout, program, accel, networks, ports, uids: createUidPool(options, log) };
  const guests: Guests = new Guests(host, guestStates, log);
  await ports.load();
  await guests.recover();
  resumeReboots(guests, log);
  const subAgent = new SubAgent({ name: 'qemu', log, guestStates, problems, check: () => program.check() });
  addMethods(subAgent, guests);
  addConsoles(subAgent, guests);
  const close = (): void => {
    guests.close();
    ports.close();
  };
  return { subAgent, close };
};
