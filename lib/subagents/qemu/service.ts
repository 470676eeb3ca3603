import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Guest, normalizeGuest } from '../../model/guest.js';
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
import type { CallContext } from '../../rpc/server/call-context.js';
import { GuestStates } from '../../rpc/server/guest-states.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import { createNetworks } from '../shared/network/networks.js';
import type { Running } from '../shared/run.js';
import { openSerial } from './console/serial.js';
import { SerialLines } from './console/serial-lines.js';
import { openVnc } from './console/vnc.js';
import { type Entry, Guests } from './guests/guests.js';
import * as lifecycle from './guests/lifecycle.js';
import * as metrics from './guests/metrics.js';
import * as power from './guests/power.js';
import { createLayout, type LayoutOptions } from './layout.js';
import { type AccelChoice, chooseAccel } from './machine/accel.js';
import { QemuProgram } from './machine/program.js';
import { DEFAULT_UID_RANGE, UidPool, type UidRange } from './process/uids.js';

const SHUTDOWN_TIMEOUT_S = 60;
const REBOOT_TIMEOUT_S = 30;
const MAX_TIMEOUT_S = 3600;

export interface QemuOptions extends LayoutOptions {
  accel: AccelChoice;
  qemu: string;
  /** Users that guests' QEMUs run as when this is root. */
  uidRange?: UidRange;
  /** The address of Open vSwitch's database, the system's by default. */
  ovsDb?: string;
}

type Handle = (guests: Guests, request: GuestRequest, call: CallContext) => Promise<GuestResponse>;

/** @throws when the stage's `timeout` is no number of seconds */
const timeoutMs = ({ args }: GuestRequest, fallback: number): number => {
  const seconds = Number(args?.timeout ?? fallback);
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_S)) {
    throw new Error(`timeout "${args?.timeout}": give a number of seconds up to ${MAX_TIMEOUT_S}`);
  }
  return seconds * 1000;
};

const answerState = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const { state, vnc, revision } = await guests.state(entry);
  return { guest: { id: entry.id, state, vnc }, revision };
};

const answerAll = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const { guest, revision } = await answerState(guests, entry);
  // Not its metadata: only a part of it is kept here, and people change it any time.
  const { metadata: _, ...answer } = entry.record.definition;
  return { guest: { ...answer, ...guest }, ...(revision === undefined ? {} : { revision }) };
};

const withState =
  (change: (guests: Guests, id: string) => Promise<Entry>): Handle =>
  async (guests, { guest }) =>
    answerState(guests, await change(guests, guest.id));

const withAll =
  (change: (guests: Guests, guest: Guest) => Promise<Entry>): Handle =>
  async (guests, { guest }) =>
    answerAll(guests, await change(guests, normalizeGuest(guest)));

/** The methods under the names of the original's sub-agent for libvirt. */
const METHODS: Record<`Libvirt.${string}`, Handle> = {
  'Libvirt.CreateGuest': withAll(lifecycle.define),
  'Libvirt.Create': withAll(lifecycle.create),
  'Libvirt.Delete': async (guests, { guest }) => {
    await lifecycle.remove(guests, guest.id);
    return { guest: { id: guest.id } };
  },
  'Libvirt.Restart': withState(power.restart),
  'Libvirt.Reboot': async (guests, request) =>
    answerState(guests, await power.reboot(guests, request.guest.id, timeoutMs(request, REBOOT_TIMEOUT_S))),
  'Libvirt.Poweroff': withState(power.poweroff),
  'Libvirt.Shutdown': async (guests, request, { signal }) =>
    answerState(
      guests,
      await power.shutdown(guests, request.guest.id, timeoutMs(request, SHUTDOWN_TIMEOUT_S), signal),
    ),
  'Libvirt.Run': withState(lifecycle.run),
  'Libvirt.Status': async (guests, { guest }) => answerState(guests, guests.get(guest.id)),
  'Libvirt.Suspend': withState(lifecycle.suspend),
  'Libvirt.Resume': withState(lifecycle.resume),
};

type Measure = (guests: Guests, id: string) => Promise<Pick<GuestMetricsResponse, 'cpu' | 'disk' | 'nic'>>;

const MEASURES: Record<`Libvirt.${string}`, { type: GuestMetricsRequest['type']; measure: Measure }> = {
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

const names = <Key extends string>(table: Record<Key, unknown>): Key[] => Object.keys(table) as Key[];

/** The users for guests, `undefined` where they can have none of their own. */
const openUids = ({ uidRange = DEFAULT_UID_RANGE }: QemuOptions, log: Logger): UidPool | undefined => {
  if (isRoot()) return new UidPool(uidRange);
  log.warn('this is not root: guests run as the same user as this, and are not kept from each other');
  return undefined;
};

const warnOfNoSandbox = async (program: QemuProgram, log: Logger): Promise<void> => {
  try {
    if (!(await program.sandbox()))
      log.warn('this QEMU or kernel has no seccomp sandbox: guests run without');
  } catch (error) {
    log.warn({ err: error }, `no guest can be started yet: ${errorMessage(error)}`);
  }
};

const addConsoles = (subAgent: SubAgent, guests: Guests): void => {
  const lines = new SerialLines();
  subAgent
    .console('/console/serial', ({ guest, scrollback }) => ({
      bytes: openSerial(guests.get(guest).paths, lines, scrollback),
    }))
    .console('/console/vnc', async ({ guest }) => ({ bytes: await openVnc(guests.get(guest).paths) }));
};

/** The sub-agent, with the guests that it finds on the host; it does not listen yet. */
export const startQemu = async (options: QemuOptions, log: Logger): Promise<Running> => {
  const layout = createLayout(options);
  const program = new QemuProgram(options.qemu);
  const accel = await chooseAccel(options.accel);
  log.info({ accel, diskDirs: layout.diskDirs }, `guests run with ${accel}`);
  const guestStates = new GuestStates();
  const networks = createNetworks(options.ovsDb);
  // The first guest's start would wait for it. What goes wrong here is told there.
  program.nicModels().catch(() => undefined);
  await warnOfNoSandbox(program, log);
  const host = { layout, program, accel, networks, uids: openUids(options, log) };
  const guests = new Guests(host, guestStates, log);
  await guests.recover();
  power.finishReboots(guests, REBOOT_TIMEOUT_S * 1000, log);
  const subAgent = new SubAgent({ name: 'qemu', log, guestStates, check: () => program.check() });
  for (const name of names(METHODS)) {
    const handle = METHODS[name];
    if (handle) subAgent.method(name, guestRequestSchema, (request, call) => handle(guests, request, call));
  }
  for (const name of names(MEASURES)) {
    const entry = MEASURES[name];
    if (!entry) continue;
    subAgent.method(name, guestMetricsRequestSchema, async ({ guest }) => ({
      guest: { id: guest.id },
      type: entry.type,
      ...(await entry.measure(guests, guest.id)),
    }));
  }
  subAgent.method('Libvirt.AllMetrics', allMetricsRequestSchema, async () => ({
    guests: await metrics.allMetrics(guests),
  }));
  addConsoles(subAgent, guests);
  return { subAgent, close: () => guests.close() };
};
