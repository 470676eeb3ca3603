import { badResponse } from '../../errors.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { type Guest, normalizeGuest } from '../../model/guest.js';
import { guestSchema } from '../../model/guest-schemas.js';
import type { GuestChange, GuestRequest, GuestResponse } from '../../rpc/protocol/guest-messages.js';
import type { Action, Stage } from '../pipeline/action.js';
import type { Exchange } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';
import type { GuestIdentities } from './guest-identities.js';
import type { GuestRevisions } from './guest-revisions.js';
import { mergeGuest } from './merge-guest.js';

/** A response may set a size, such as `memory`, to 0 to remove it. */
const responseGuestSchema = guestSchema
  .fork(['memory', 'cpu', 'maxMemory', 'maxCpu'], (field) => field.allow(0))
  .prefs({ stripUnknown: true });

/**
 * Reads the guest from a stage's response and drops unknown keys.
 * @throws {AgentError} `bad_answer` when the guest is missing, malformed, or another one
 */
const parseGuest = (
  { service, method }: Stage,
  { guest }: GuestResponse,
  id: string,
): GuestResponse['guest'] => {
  if (guest === null || guest === undefined)
    throw badResponse(service.name, `the response to ${method} has no guest`);
  const { value, error } = responseGuestSchema.validate(guest);
  if (error)
    throw badResponse(
      service.name,
      `the response to ${method} has a malformed guest: ${describeMistakes(error)}`,
    );
  if (value.id !== id)
    throw badResponse(service.name, `the response to ${method} has guest ${value.id}, expected ${id}`);
  return value;
};

/**
 * Checks the NICs that a stage of a create returned: the stage may have generated a MAC address that another guest has.
 * @throws {AgentError} `conflict`
 */
const checkNics = (identities: GuestIdentities, { id, nics }: GuestResponse['guest']): void =>
  identities.check(normalizeGuest({ id, nics: nics ?? null }));

/** States that only the agent sets; it ignores them in responses. */
const AGENT_OWNED_STATES: ReadonlySet<string> = new Set(['create', 'error']);

/** An exchange that also tells the guest as the checks returned it. */
interface DryGuestExchange extends Exchange<GuestRequest, GuestResponse> {
  checked: () => Guest;
}

const requestOf = (
  action: Action,
  { args }: Stage,
  guest: Guest,
  change: GuestChange | undefined,
): GuestRequest => ({
  guest,
  action: action.name,
  ...(args ? { args } : {}),
  ...(change ? { change } : {}),
});

/** Sends each stage of a dry run the guest as the checks of the earlier stages returned it, and stores nothing. */
export const dryGuestExchange = (action: Action, guest: Guest, change?: GuestChange): DryGuestExchange => {
  let current = guest;
  return {
    checked: () => current,
    request: (stage) => requestOf(action, stage, current, change),
    onResponse: async (stage, response) => {
      const returned = parseGuest(stage, response, guest.id);
      current = mergeGuest(current, returned, current);
    },
  };
};

/**
 * Takes the state out of a response when a newer one is known.
 * @returns whether the response has the newest state
 */
const takeRevision = (
  revisions: GuestRevisions,
  returned: GuestResponse['guest'],
  revision: number | undefined,
): boolean => {
  if (AGENT_OWNED_STATES.has(returned.state ?? '')) delete returned.state;
  // A response without a state must not consume the revision: the state with that revision may still come.
  if (typeof revision !== 'number' || returned.state === undefined) return false;
  if (revisions.advance(returned.id, revision)) return true;
  delete returned.state;
  delete returned.reason;
  delete returned.program;
  delete returned.vnc;
  return false;
};

interface ExchangeOptions {
  change?: GuestChange | undefined;
  /** Completes the guest in the same write as the result of the last stage. */
  finish?: (guest: Guest) => Guest;
}

const unchanged = (guest: Guest): Guest => guest;

/** Sends each stage the guest as it is stored at that moment, and stores what the stage changed. */
export const guestExchange = (
  { guests, revisions, identities, quota }: Pick<Runtime, 'guests' | 'revisions' | 'identities' | 'quota'>,
  action: Action,
  id: string,
  { change, finish = unchanged }: ExchangeOptions = {},
): Exchange<GuestRequest, GuestResponse> => ({
  request: (stage) => requestOf(action, stage, guests.get(id), change),
  onResponse: async (stage, response, request) => {
    const returned = parseGuest(stage, response, id);
    const isCreation = guests.get(id).state === 'create';
    if (isCreation) checkNics(identities, returned);
    if (isCreation || action.name === 'addDisk') quota.checkDisks(id, normalizeGuest(returned).disks);
    const isLatest = takeRevision(revisions, returned, response.revision);
    const isLast = stage === action.stages.at(-1) && !response.retry;
    try {
      await guests.update(id, (current) => {
        const merged = mergeGuest(request.guest, returned, current, { isLatest });
        return isLast ? finish(merged) : merged;
      });
    } catch (error) {
      if (isLatest) revisions.retract(id, Number(response.revision));
      throw error;
    }
  },
});
