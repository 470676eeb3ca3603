import { type Guest, type Metadata, normalizeGuest } from '../../model/guest.js';
import type { HostNetwork, HostNetworks } from '../../model/host-networks.js';
import { USER_NETWORK } from '../../model/nics.js';
import {
  type GuestRequest,
  type GuestResponse,
  guestRequestSchema,
} from '../../rpc/protocol/guest-messages.js';
import { networksRequestSchema } from '../../rpc/protocol/network-messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import type { SubAgent } from '../../rpc/server/sub-agent.js';
import { addMetricsMethods } from '../shared/metrics-methods.js';
import type { Networks } from '../shared/network/networks.js';
import { shutdownTimeoutMs } from '../shared/shutdown-timeout.js';
import { addDisk, checkAddDisk } from './guests/add-disk.js';
import { changeCdrom, checkCdrom, drivesResponse } from './guests/cdrom.js';
import { changeBootOrder, parseBootOrder } from './guests/change-boot-order.js';
import type { Entry } from './guests/entry.js';
import type { Guests } from './guests/guests.js';
import * as lifecycle from './guests/lifecycle.js';
import { toldMachine } from './guests/machines.js';
import * as metrics from './guests/metrics.js';
import { NIC_METHODS } from './guests/nics/methods.js';
import * as power from './guests/power.js';
import type { PowerOptions } from './guests/power-options.js';
import { reboot } from './guests/reboot.js';
import { checkRemoveDisk, removeDisk } from './guests/remove-disk.js';
import { toldDisks } from './guests/removed-disks.js';
import { checkUpdate, sizesResponse, update } from './guests/update.js';
import { checkUpgrade, upgradeMachine } from './guests/upgrade.js';

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
  const { force = 'false', boot } = args;
  const timeoutMs = shutdownTimeoutMs(args);
  if (force !== 'true' && force !== 'false')
    throw new Refusal('invalid', `"force" must be true or false, got "${force}"`);
  return {
    timeoutMs,
    force: force === 'true',
    boot,
    metadata: sentMetadata(guest),
    note: (message) => void notes.push(message),
  };
};

const stateResponse = async (guests: Guests, entry: Entry): Promise<GuestResponse> => {
  const { revision, warnings = [], ...state } = await guests.state(entry);
  return { guest: { ...state, ...sizesResponse(entry.record), warnings }, revision };
};

/**
 * The state and the whole definition, which fills in the guest's defaults at the agent.
 * @param sent the guest in the request
 */
const definitionResponse = async (guests: Guests, entry: Entry, sent: Guest): Promise<GuestResponse> => {
  const { guest, revision } = await stateResponse(guests, entry);
  // Without the metadata: the definition has only a part of it, and clients may have changed it since.
  const { metadata: _, ...definition } = entry.record.definition;
  const disks = toldDisks(entry, sent);
  return { guest: { ...definition, disks, ...guest }, ...(revision === undefined ? {} : { revision }) };
};

const disksResponse = async (guests: Guests, entry: Entry, sent: Guest): Promise<GuestResponse> => {
  const { guest, ...rest } = await stateResponse(guests, entry);
  return { ...rest, guest: { ...guest, disks: toldDisks(entry, sent) } };
};

type PowerChange = (guests: Guests, id: string, options: PowerOptions, signal: AbortSignal) => Promise<Entry>;

const withOptions =
  (respond: typeof definitionResponse, change: PowerChange): Handler =>
  async (guests, request, { signal }) => {
    const notes: string[] = [];
    const options = powerOptions(request, notes);
    const entry = await change(guests, request.guest.id, options, signal);
    const response = await respond(guests, entry, request.guest);
    return notes.length > 0 ? { ...response, message: notes.join('; ') } : response;
  };

const withState = (change: PowerChange): Handler => withOptions(stateResponse, change);

const withDefinition =
  (change: (guests: Guests, guest: Guest) => Promise<Entry>): Handler =>
  async (guests, { guest }) =>
    definitionResponse(guests, await change(guests, normalizeGuest(guest)), guest);

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
  'Libvirt.CheckUpdate': async (guests, { guest, change: { bootOrder, ...size } = {} }) => {
    const order = await parseBootOrder(guests, guest.id, bootOrder);
    return {
      guest: { ...(await checkUpdate(guests, guest.id, size)), ...(order ? { bootOrder: order } : {}) },
    };
  },
  'Libvirt.Update': async (guests, { guest, change: { bootOrder, ...size } = {} }) => {
    const order = await parseBootOrder(guests, guest.id, bootOrder);
    const { entry, message } = await update(guests, guest.id, size);
    const response = await stateResponse(guests, entry);
    if (!order) return { ...response, message };
    const words = await changeBootOrder(guests, guest.id, order);
    return {
      ...response,
      guest: { ...response.guest, bootOrder: order },
      message: Object.keys(size).length > 0 ? `${message}; ${words}` : words,
    };
  },
  'Libvirt.CheckCdrom': async (guests, request) => ({ guest: await checkCdrom(guests, request) }),
  'Libvirt.ChangeCdrom': async (guests, request) => {
    const { entry, message } = await changeCdrom(guests, request);
    const response = await stateResponse(guests, entry);
    return { ...response, guest: { ...response.guest, ...drivesResponse(entry) }, message };
  },
  'Libvirt.CheckAddDisk': async (guests, { guest }) => checkAddDisk(guests, normalizeGuest(guest)),
  'Libvirt.AddDisk': async (guests, { guest }, { job }) => {
    const { entry, message } = await addDisk(guests, normalizeGuest(guest), job?.job);
    return { ...(await disksResponse(guests, entry, guest)), message };
  },
  'Libvirt.CheckRemoveDisk': async (guests, request) => {
    await checkRemoveDisk(guests, request);
    return { guest: request.guest };
  },
  'Libvirt.RemoveDisk': async (guests, request, { signal }) =>
    disksResponse(guests, await removeDisk(guests, request, signal), request.guest),
  ...NIC_METHODS,
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

/** Adds the methods that act on guests. */
export const addMethods = (subAgent: SubAgent, guests: Guests): void => {
  for (const [name, handler] of Object.entries(METHODS) as [MethodName, Handler][])
    subAgent.method(name, guestRequestSchema, (request, call) => handler(guests, request, call));
  addMetricsMethods(subAgent, 'Libvirt', guests, metrics);
};

/** The network that QEMU itself gives to guests on network `user`: qemu-system(1), `-netdev user`. */
const USER: HostNetwork = {
  ...{ name: USER_NETWORK, kind: 'user', guests: ['vm'] },
  ...{ subnets: ['10.0.2.0/24', 'fec0::/64'], usable: true },
};

/** Adds the method that lists networks. */
export const addNetworks = (subAgent: SubAgent, networks: Networks): void => {
  subAgent.method('Libvirt.ListNetworks', networksRequestSchema, async (): Promise<HostNetworks> => {
    const switches = await networks.list(['vm']);
    return { ...switches, networks: [...switches.networks, USER] };
  });
};
