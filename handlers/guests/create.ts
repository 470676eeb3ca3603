import { randomUUID } from 'node:crypto';
import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest, LooseGuest } from '../../lib/model/guest.js';
import { normalizeGuest } from '../../lib/model/guest.js';
import { requireMetadataFits } from '../../lib/model/metadata.js';
import { submitCreate } from '../../lib/runtime/actions/guest-actions.js';
import { requireImages } from '../../lib/runtime/actions/image-actions.js';
import { submitOnce } from '../submit.js';

/** Stores a new guest and queues its creation. Ignores the keys that only sub-agents set: `state` and `vnc`. */
export const createGuest = async (
  event: Event<unknown, JobQuery, LooseGuest | null>,
  context: Context,
): Promise<Reply<Guest>> => {
  const { runtime } = context;
  const { state: _state, vnc: _vnc, ...spec } = event.payload ?? {};
  const reply = await submitOnce(event, context, async (options) => {
    const guest = normalizeGuest({ ...spec, id: spec.id || randomUUID() });
    requireMetadataFits(guest.metadata ?? {});
    await requireImages(runtime, guest, event);
    return submitCreate(runtime, guest, options);
  });
  return { ...reply, guest: reply.body.id };
};
