import type { Context } from '../../lib/agent/context.js';
import type { GuestAction } from '../../lib/model/actions.js';
import type { BootQuery, Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import type { StageArgs } from '../../lib/rpc/protocol/calls.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { changeGuest } from './change-guest.js';

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
export const performAction = (
  action: GuestAction,
  event: Event<GuestParams, BootQuery>,
  context: Context,
): Promise<Reply<Guest>> =>
  changeGuest(event, context, (guest, options) =>
    submitGuestAction(context.runtime, guest, action, { ...options, args: argsOf(event.query) }),
  );
