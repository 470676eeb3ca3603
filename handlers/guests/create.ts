import { randomUUID } from 'node:crypto';
import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import { movedKeyMistake } from '../../lib/model/container/earlier-metadata.js';
import { requestedDisks, unusedImage } from '../../lib/model/disks.js';
import type { CreateQuery, Event, Reply } from '../../lib/model/endpoint.js';
import {
  type Guest,
  isContainer,
  type LooseGuest,
  metadataOf,
  normalizeGuest,
} from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { requireImages } from '../../lib/runtime/actions/image-actions.js';
import { submitCreate } from '../../lib/runtime/actions/submit-create.js';
import { creatorOf } from '../rights.js';
import { submitOnce } from '../submit.js';
import { completeGuest } from './new-guest.js';

const VIRTUAL_HARDWARE = ['machine', 'devices'] as const;

/**
 * @throws {AgentError} `invalid` for a container with virtual hardware or with metadata that earlier versions read, and for
 * a virtual machine with what only a container has
 */
const requireHardwareFits = (guest: Guest): void => {
  const key = isContainer(guest) && VIRTUAL_HARDWARE.find((each) => guest[each] !== undefined);
  if (key) throw invalid(`"${key}" describes virtual hardware, and a container has none: leave it out`);
  if (!isContainer(guest) && guest.container !== undefined)
    throw invalid(`"container" describes a container: leave it out, or give "type": "container"`);
  const moved = isContainer(guest) ? movedKeyMistake(metadataOf(guest)) : undefined;
  if (moved !== undefined) throw invalid(moved);
};

/**
 * Moves a virtual machine's `image`, given beside `disks`, into its first disk. A guest without disks is unchanged: the
 * storage sub-agent creates its disk.
 * @throws {AgentError} `invalid` when no disk can take the image
 */
const withImageOnDisk = (guest: Guest): Guest => {
  if (isContainer(guest) || !guest.disks?.length) return guest;
  const disks = requestedDisks(guest);
  if (!disks) throw invalid(unusedImage(guest));
  return { ...guest, disks };
};

/** Stores a new guest and queues its creation, after which it runs unless the client wants it off. */
export const createGuest = async (
  event: Event<unknown, CreateQuery, LooseGuest | null>,
  context: Context,
): Promise<Reply<Guest>> => {
  const { runtime } = context;
  const spec = event.payload ?? {};
  const reply = await submitOnce(event, context, async (options) => {
    const requested = withImageOnDisk(normalizeGuest({ ...spec, id: spec.id || randomUUID() }));
    requireHardwareFits(requested);
    const guest = completeGuest(requested, context);
    await requireImages(runtime, guest, event);
    return submitCreate(runtime, guest, {
      ...options,
      name: event.query.start === false ? 'define' : 'create',
      creator: creatorOf(event, context),
    });
  });
  return { ...reply, body: viewFor(event.principal, reply.body).guest(reply.body), guest: reply.body.id };
};
