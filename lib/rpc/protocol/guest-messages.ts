import Joi from 'joi';
import type { Guest, LooseGuest } from '../../model/guest.js';
import { guestSchema } from '../../model/guest-schemas.js';
import type { StageArgs } from './calls.js';
import { text } from './loose-text.js';

/**
 * The change that an action makes to a guest, in the form of its action. The agent does not interpret it: the sub-agent
 * validates it again, with the schema of `lib/model` that the route has.
 */
export type GuestChange = Readonly<Record<string, unknown>>;

export interface GuestRequest {
  guest: Guest;
  action: string;
  args?: StageArgs;
  /** For actions that change a guest, such as `update`. */
  change?: GuestChange;
}

export interface GuestResponse {
  guest: LooseGuest & { id: string };
  /** Anything worth knowing about the guest. */
  message?: string;
  /** Seconds after which the agent runs the stage again. */
  retry?: number;
  /** The revision of the guest's state in this response: see `GuestState`. */
  revision?: number;
}

export const argsSchema = Joi.object().pattern(Joi.string(), Joi.string().allow(''));

export const requiredGuest = guestSchema.fork('id', (id) => id.required().disallow('', null)).required();

export const guestRequestSchema = Joi.object<GuestRequest>({
  guest: requiredGuest,
  action: text(),
  args: argsSchema,
  change: Joi.object().unknown(),
}).unknown();
