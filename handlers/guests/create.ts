import { randomUUID } from 'node:crypto';
import type { Guest, LooseGuest } from '../../lib/model/guest.js';
import { normalizeGuest } from '../../lib/model/guest.js';
import { requireMetadataFits } from '../../lib/model/metadata.js';
import { createGuest as submitCreate } from '../../lib/runtime/guest-actions.js';
import { requireImages } from '../../lib/runtime/image-actions.js';
import { acceptedOrDone } from '../replies.js';
import type { Context, Event, Reply, WaitQuery } from '../types.js';

/** Takes a new guest and queues its creation. What is set by the sub-agents is not the client's to say. */
export const createGuest = async (
  { payload, query, signal }: Event<unknown, WaitQuery, LooseGuest | null>,
  { runtime }: Context,
): Promise<Reply<Guest>> => {
  const { state: _state, vnc: _vnc, ...wanted } = payload ?? {};
  const guest = normalizeGuest({ ...wanted, id: wanted.id || randomUUID() });
  requireMetadataFits(guest.metadata ?? {});
  await requireImages(runtime, guest, signal);
  const submitted = await submitCreate(runtime, guest);
  return acceptedOrDone(submitted, submitted.guest, query.wait);
};
