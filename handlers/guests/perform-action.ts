import type { Context } from '../../lib/agent/context.js';
import type { GuestAction } from '../../lib/model/actions.js';
import type { BootQuery, Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import type { Guest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import type { StageArgs } from '../../lib/rpc/protocol/calls.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { submitOnce } from '../submit.js';

/** Returns the query's options as arguments of a stage, which are strings. */
const argsOf = ({ timeout, force, boot }: BootQuery): StageArgs | undefined =>
  timeout === undefined && force === undefined && boot === undefined
    ? undefined
    : {
        ...(timeout === undefined ? {} : { timeout: String(timeout) }),
        ...(force === undefined ? {} : { force: String(force) }),
        ...(boot === undefined ? {} : { boot }),
      };

/** Queues a guest's action and replies with the guest as it is now or, when the client waits, after the action. */
export const performAction = async (
  action: GuestAction,
  event: Event<GuestParams, BootQuery>,
  context: Context,
): Promise<Reply<Guest>> => {
  const view = viewFor(event.principal);
  const reply = await submitOnce(event, context, async (options) => {
    const guest = context.guests.get(event.params.guestID);
    requireMatch(event.ifMatch, view.guest(guest));
    return submitGuestAction(context.runtime, guest, action, { ...options, args: argsOf(event.query) });
  });
  return { ...reply, body: view.guest(reply.body) };
};
