import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import type { Event, GuestParams, Reply, UpgradeQuery } from '../../lib/model/endpoint.js';
import { type Guest, isContainer } from '../../lib/model/guest.js';
import type { StageArgs } from '../../lib/rpc/protocol/calls.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { isEmptyBody } from '../../lib/server/validator.js';
import { changeGuest } from './change-guest.js';

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
export const upgradeMachine = (
  event: Event<GuestParams, UpgradeQuery>,
  context: Context,
): Promise<Reply<Guest>> =>
  changeGuest(event, context, async (guest, options) => {
    requireNoBody(event.payload);
    if (isContainer(guest)) throw invalid(`guest ${guest.id} is a container, which has no virtual hardware`);
    return submitGuestAction(context.runtime, guest, 'upgradeMachine', {
      ...options,
      args: argsOf(event.query),
    });
  });
