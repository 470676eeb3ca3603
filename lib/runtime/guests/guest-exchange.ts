import { badResponse } from '../../errors.js';
import { guestSchema } from '../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../rpc/protocol/messages.js';
import type { GuestStore } from '../../store/guest-store.js';
import type { Action, Stage } from '../pipeline/action.js';
import type { Exchange } from '../pipeline/pipeline.js';
import type { GuestRevisions } from './guest-revisions.js';
import { mergeGuest } from './merge-guest.js';

/** An answer may say of what it takes away that there is 0 of it. */
const answerSchema = guestSchema
  .fork(['memory', 'cpu'], (field) => field.allow(0))
  .prefs({ stripUnknown: true });

/** Reads the guest out of a stage's answer, with only the keys that a guest has. */
const answeredGuest = (
  { service, method }: Stage,
  { guest }: GuestResponse,
  id: string,
): GuestResponse['guest'] => {
  if (guest === null || guest === undefined)
    throw badResponse(service.name, `the response to ${method} has no guest`);
  const { value, error } = answerSchema.validate(guest);
  if (error)
    throw badResponse(service.name, `the response to ${method} has a malformed guest: ${error.message}`);
  if (value.id !== id) {
    throw badResponse(service.name, `the response to ${method} is about guest ${value.id}, not about ${id}`);
  }
  return value;
};

/** States that are the agent's own to give. */
const OURS: ReadonlySet<string> = new Set(['create', 'error']);

/** Sends each stage the guest as it is stored then, and stores what the stage changed. */
export const guestExchange = (
  guests: GuestStore,
  revisions: GuestRevisions,
  action: Action,
  id: string,
): Exchange<GuestRequest, GuestResponse> => ({
  request: ({ args }) => ({ guest: guests.get(id), action: action.name, ...(args ? { args } : {}) }),
  answered: async (stage, answer, request) => {
    const answered = answeredGuest(stage, answer, id);
    const { revision } = answer;
    if (OURS.has(answered.state ?? '')) delete answered.state;
    // What tells no state must not keep that one out which its revision is of.
    const isOrdered = typeof revision === 'number' && answered.state !== undefined;
    const isLatest = isOrdered && revisions.advance(id, revision);
    if (isOrdered && !isLatest) {
      delete answered.state;
      delete answered.vnc;
    }
    try {
      await guests.update(id, (current) => mergeGuest(request.guest, answered, current, { isLatest }));
    } catch (error) {
      if (isLatest) revisions.retract(id, revision);
      throw error;
    }
  },
});
