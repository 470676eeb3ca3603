import type Joi from 'joi';
import { invalid } from '../errors.js';
import type { Autostart, Restart } from './coming-back.js';
import { autostartSchemas, restartSchemas } from './coming-back-schemas.js';
import { type Guest, isContainer } from './guest.js';
import { patchSchema } from './patch-schema.js';

type Change<Policies extends object> = { [Key in keyof Policies]?: Policies[Key] | null };

/** A change of whether a guest starts by itself; `null` removes a key, or all of a policy. */
export interface ComingBackPatch {
  autostart?: Change<Autostart> | null;
  restart?: Change<Restart> | null;
}

interface ComingBack {
  autostart?: Autostart | null;
  restart?: Restart | null;
}

const changeSchema = <Policies extends object>(
  schemas: Record<keyof Policies & string, Joi.Schema>,
): Joi.ObjectSchema<Change<Policies>> =>
  patchSchema<Change<Policies>>(
    Object.fromEntries(Object.entries<Joi.Schema>(schemas).map(([key, schema]) => [key, schema.allow(null)])),
    {},
  );

/** The parts of a patch that say whether a guest starts by itself. */
export const comingBackPatchSchemas = {
  autostart: changeSchema<Autostart>(autostartSchemas)
    .allow(null)
    .label('autostart')
    .description('Whether and when the guest starts after a boot of the host; keys left out stay as they are')
    .example({ policy: 'last', order: 10 }),
  restart: changeSchema<Restart>(restartSchemas)
    .allow(null)
    .label('restart')
    .description('Whether the guest starts again after it failed; keys left out stay as they are')
    .example({ policy: 'on-failure' }),
};

const isComplete = <Policies extends { policy: string }>(policies: Partial<Policies>): policies is Policies =>
  policies.policy !== undefined;

/** @throws {AgentError} `invalid` for a virtual machine that is to restart always: it shuts itself down on purpose */
export const requireRestartFits = (guest: Pick<Guest, 'type' | 'restart'>): void => {
  if (guest.restart?.policy === 'always' && !isContainer(guest))
    throw invalid('"restart.policy" can be always for containers only: choose on-failure');
};

/** Merges a change into policies as RFC 7396 says: `null` removes a key. */
const merge = <Policies extends { policy: string }>(
  key: keyof ComingBackPatch,
  before: Policies | null | undefined,
  change: Change<Policies> | null | undefined,
): Policies | null => {
  if (change === undefined) return before ?? null;
  if (change === null) return null;
  const kept = Object.entries({ ...before, ...change }).filter(([, value]) => value !== null);
  const after = Object.fromEntries(kept) as Partial<Policies>;
  if (isComplete<Policies>(after)) return after;
  throw invalid(`"${key}.policy" is required: add it, or set "${key}" to null to remove all of it`);
};

/**
 * Returns the policies of a guest after a change.
 * @throws {AgentError} `invalid` when it leaves other keys without a `policy`
 */
export const changeComingBack = (guest: ComingBack, patch: ComingBackPatch): ComingBack => ({
  autostart: merge('autostart', guest.autostart, patch.autostart),
  restart: merge('restart', guest.restart, patch.restart),
});
