import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import type { Event, GuestParams, Reply, UpgradeQuery } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import { type Guest, isContainer } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import type { StageArgs } from '../../lib/rpc/protocol/calls.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { isEmptyBody } from '../../lib/server/validator.js';
import { submitOnce } from '../submit.js';

const argsOf = ({ type, cpuModel }: UpgradeQuery): StageArgs => ({
  ...(type ? { type } : {}),
  ...(cpuModel ? { cpuModel } : {}),
});

/** @throws {AgentError} `invalid` for a body: ignored, its `cpuModel` would become another upgrade */
const requireNoBody = (payload: unknown): void => {
  if (!isEmptyBody(payload))
    throw invalid(
      'the body must be empty: give type and cpuModel as query parameters, as in ?cpuModel=Nehalem',
    );
};

/** Moves the guest on to newer virtual hardware, at its next start when it runs. */
export const upgradeMachine = async (
  event: Event<GuestParams, UpgradeQuery>,
  context: Context,
): Promise<Reply<Guest>> => {
  const view = viewFor(event.principal);
  const reply = await submitOnce(event, context, async (options) => {
    requireNoBody(event.payload);
    const guest = context.guests.get(event.params.guestID);
    if (isContainer(guest)) throw invalid(`guest ${guest.id} is a container, which has no virtual hardware`);
    requireMatch(event.ifMatch, view.guest(guest));
    return submitGuestAction(context.runtime, guest, 'upgradeMachine', {
      ...options,
      args: argsOf(event.query),
    });
  });
  return { ...reply, body: view.guest(reply.body) };
};
