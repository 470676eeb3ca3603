import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { FleetHost } from '../../lib/model/fleet-host.js';
import { ok } from '../replies.js';
import { type HostParams, requireFleet } from './require-fleet.js';

/** Forgets a host that will not return to the fleet. Its guests, wherever they are, stay as they are. */
export const forgetHost = async (
  { params: { hostID } }: Event<HostParams>,
  { fleet }: Context,
): Promise<Reply<FleetHost>> => ok(await requireFleet(fleet).forget(hostID));
