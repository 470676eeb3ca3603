import type { Context } from '../../../lib/agent/context.js';
import { AgentError, invalid } from '../../../lib/errors.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import { type Guest, isContainer } from '../../../lib/model/guest.js';
import { type NicChanges, nicOf } from '../../../lib/model/nic-changes.js';
import { submitGuestAction } from '../../../lib/runtime/actions/guest-actions.js';
import { changedNic, withChangedNic } from '../../../lib/runtime/guests/changed-nic.js';
import { changeGuest } from '../change-guest.js';

export interface NicParams extends GuestParams {
  nicName: string;
}

/** @throws {AgentError} `not_found` when the guest has no NIC of that name */
const requireNic = (guest: Guest, name: string): void => {
  if (nicOf(guest, name)) return;
  const names = (guest.nics ?? []).map((nic) => nic.name);
  const others = names.length > 0 ? `its NICs are ${names.join(', ')}` : 'it has none';
  throw new AgentError('not_found', `guest ${guest.id} has no NIC ${name}: ${others}`);
};

/**
 * Queues a change of a guest's NICs.
 * @throws {AgentError} `invalid` for a container; `conflict` when another guest has the address that a NIC would get
 */
export const submitNicChange = <Action extends keyof NicChanges>(
  event: Event<GuestParams, JobQuery>,
  context: Context,
  action: Action,
  change: NicChanges[Action],
): Promise<Reply<Guest>> =>
  changeGuest(event, context, async (guest, options) => {
    const { runtime } = context;
    if (isContainer(guest))
      throw invalid(`guest ${guest.id} is a container, whose NICs are fixed at its creation`);
    if ('name' in change) requireNic(guest, change.name);
    const task = { ...change };
    const nic = changedNic(guest, action, task);
    if (nic) runtime.identities.check({ id: guest.id, nics: withChangedNic(guest, nic) });
    return submitGuestAction(runtime, guest, action, { ...options, change: task });
  });
