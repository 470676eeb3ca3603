import { changedContainer } from '../../model/container/spec-patch.js';
import { type Guest, isContainer } from '../../model/guest.js';
import { type GuestPatch, subAgentPart } from '../../model/guest-patch.js';
import { resize, sizeOf } from '../../model/guest-size.js';
import type { GuestChange } from '../../rpc/protocol/guest-messages.js';
import type { Action } from '../pipeline/action.js';
import type { Identity } from './guest-identities.js';

/** The name that a patch gives a guest, unless the guest already has it. */
export const renamedBy = ({ id, metadata }: Guest, { name }: Pick<GuestPatch, 'name'>): Identity => ({
  id,
  ...(name && name !== metadata?.name ? { metadata: { name } } : {}),
});

/** What a patch gives a guest that no other guest of the host may have. */
export const takenBy = (guest: Guest, patch: GuestPatch): Identity => ({
  ...renamedBy(guest, patch),
  ...(patch.container ? { container: changedContainer(guest, patch).container ?? {} } : {}),
});

/** A guest that a patch makes larger, now or at its next start, as the quota counts it. */
export const grownBy = (guest: Guest, patch: GuestPatch): Guest => {
  const part = subAgentPart(patch);
  if (!part) return guest;
  if (isContainer(guest)) return changedContainer(guest, part);
  const { memory, cpu } = resize(resize(sizeOf(guest), guest.pending ?? {}), part);
  return { ...guest, pending: { ...guest.pending, memory, cpu } };
};

/** What an action sends to its stages. */
export interface Plan {
  action: Action;
  change: GuestChange | undefined;
}

/** Returns an update with the part of its patch that its stages get, and without stages when there is none. */
export const updatePlan = (action: Action, patch: GuestPatch): Plan => {
  const change = subAgentPart(patch);
  return change
    ? { action, change: { ...change } }
    : { action: { ...action, stages: [] }, change: undefined };
};
