import { cloneOriginSchema } from '../../model/clone.js';
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
import { readChange } from '../shared/read-change.js';
import { shutdownTimeoutMs } from '../shared/shutdown-timeout.js';
import { CHANGE_METHODS } from './change-methods.js';
import type { Entry } from './guests/entry.js';
import type { Guests } from './guests/guests.js';
import * as lifecycle from './guests/lifecycle.js';
import { toldMachine } from './guests/machines.js';
import * as metrics from './guests/metrics.js';
import * as power from './guests/power.js';
import type { PowerOptions } from './guests/power-options.js';
import { reboot } from './guests/reboot.js';
import { definitionResponse, stateResponse } from './responses.js';
import { checkSave, save } from './saved-memory/save.js';
import { resumeFirst } from './warm/clone.js';
import { WARM_METHODS } from './warm/methods.js';

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
  'Libvirt.CreateGuest': async (guests, request) => {
    const { guest, change } = request;
    const entry = await lifecycle.define(guests, normalizeGuest(guest));
    const message = change?.warm
      ? await resumeFirst(guests, entry, readChange(request, cloneOriginSchema))
      : undefined;
    return { ...(await definitionResponse(guests, entry, guest)), ...(message ? { message } : {}) };
  },
  'Libvirt.Create': withDefinition(lifecycle.create),
  'Libvirt.Delete': async (guests, { guest }) => {
    await lifecycle.remove(guests, guest.id);
    return { guest: { id: guest.id } };
  },
  'Libvirt.Restart': withState(power.restart),
  'Libvirt.Reboot': withState(reboot),
  'Libvirt.Poweroff': withState(power.poweroff),
  'Libvirt.CheckSave': async (guests, { guest: { id } }) => {
    await checkSave(guests, id);
    return { guest: { id } };
  },
  'Libvirt.Save': async (guests, { guest }, call) => {
    const { entry, message } = await save(guests, guest.id, call);
    return { ...(await stateResponse(guests, entry)), message };
  },
  'Libvirt.Shutdown': withState(power.shutdown),
  // With the definition: the start may have added serials to its disks.
  'Libvirt.Run': withOptions(definitionResponse, lifecycle.run),
  'Libvirt.Status': async (guests, { guest }) => stateResponse(guests, guests.get(guest.id)),
  'Libvirt.Suspend': withState(lifecycle.suspend),
  'Libvirt.Resume': withState(lifecycle.resume),
};

/** Adds the methods that act on guests. */
export const addMethods = (subAgent: SubAgent, guests: Guests): void => {
  for (const [name, handler] of Object.entries({ ...METHODS, ...CHANGE_METHODS, ...WARM_METHODS }) as [
    MethodName,
    Handler,
  ][])
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
