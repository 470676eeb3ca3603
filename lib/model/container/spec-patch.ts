import Joi from 'joi';
import { invalid } from '../../errors.js';
import { describeMistakes } from '../describe-mistakes.js';
import { type Guest, type LooseGuest, normalizeGuest } from '../guest.js';
import { rejectUnknownKeys } from './known-keys.js';
import { memoryProblem } from './memory.js';
import type { ContainerSpec } from './spec.js';
import { containerSpecSchema } from './spec-schema.js';
import { requireSpecFits } from './spec-size.js';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Merges as RFC 7396 says: `null` removes a key, and objects are merged key by key. */
const merge = (before: Json, patch: Json): Json => {
  const merged: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (isObject(value)) merged[key] = merge(isObject(before[key]) ? before[key] : {}, value);
    else merged[key] = value;
  }
  return merged;
};

/** What a patch changes of a container; `null` returns a key to its default. */
export interface ContainerChange {
  memory?: number | null | undefined;
  cpu?: number | null | undefined;
  image?: string | undefined;
  /** A merge patch (RFC 7396). */
  container?: Json | null | undefined;
}

export const containerPatchSchema = rejectUnknownKeys(Joi.object().unknown(), containerSpecSchema)
  .allow(null)
  .label('container')
  .description('The keys of a container to change (RFC 7396); objects are merged, and `null` removes a key')
  .example({ env: { MODE: 'live', OLD: null }, stopTimeout: 30 });

const mergeSpec = (before: ContainerSpec, patch: Json | null): ContainerSpec =>
  patch === null ? {} : (merge(before as Json, patch) as ContainerSpec);

/** Returns a container as a patch leaves it; what it makes of `imageMounts` is for the sub-agent to say. */
export const changedContainer = (guest: Guest, { memory, cpu, image, container }: ContainerChange): Guest => {
  const after: LooseGuest & { id: string } = {
    ...guest,
    ...(memory === undefined ? {} : { memory }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(image === undefined ? {} : { image }),
    ...(container === undefined ? {} : { container: mergeSpec(guest.container ?? {}, container) }),
  };
  // The memory of before came from its default, perhaps.
  if (memory === undefined && container?.unlimitedMemory === true) after.memory = null;
  return normalizeGuest(after);
};

/**
 * As `changedContainer`.
 * @throws {AgentError} `invalid` for a container that no create would accept
 */
export const requireChangedContainer = (guest: Guest, change: ContainerChange): Guest => {
  const after = changedContainer(guest, change);
  const { error } = containerSpecSchema.validate(after.container ?? {}, {
    abortEarly: false,
    convert: false,
  });
  if (error) throw invalid(describeMistakes(error));
  requireSpecFits(after.container);
  const problem = memoryProblem(after);
  if (problem !== undefined) throw invalid(problem);
  return after;
};
