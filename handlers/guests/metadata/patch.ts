import type { Context } from '../../../lib/agent/context.js';
import { invalid } from '../../../lib/errors.js';
import { movedKeyMistake } from '../../../lib/model/container/earlier-metadata.js';
import type { DryRunQuery, Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import { requireMatch } from '../../../lib/model/etag.js';
import {
  type Guest,
  isContainer,
  type Metadata,
  metadataOf,
  normalizeGuest,
} from '../../../lib/model/guest.js';
import { requireReadable } from '../../../lib/model/labels.js';
import { applyMetadataPatch, requireMetadataFits } from '../../../lib/model/metadata.js';
import { formatNextStart, NEXT_START_HEADER } from '../../../lib/model/next-start.js';
import { viewFor } from '../../../lib/model/secrets.js';
import { SEED_KEYS, seedMistake } from '../../../lib/model/seed-metadata.js';
import { renamedBy } from '../../../lib/runtime/guests/updated-guest.js';
import type { MetadataPatch } from '../../metadata/patch.js';
import { metadataFor, ok } from '../../replies.js';

/**
 * The headers of a response to a patch that changed a virtual machine's seed: a running guest keeps its own.
 * @param before the guest's metadata before the patch
 */
const seedHeaders = (guest: Guest, before: Metadata): Record<string, string> => {
  const after = metadataOf(guest);
  const changed = isContainer(guest) ? [] : SEED_KEYS.filter((key) => before[key] !== after[key]);
  return changed.length > 0 ? { [NEXT_START_HEADER]: formatNextStart(changed) } : {};
};

/**
 * @throws {AgentError} `invalid` for a name, a hostname, a name server or a key of a container that create rejects, `conflict` when another guest has
 * the new name
 */
export const patchGuestMetadata = async (
  {
    params,
    payload,
    query: { dryRun },
    ifMatch,
    principal,
  }: Event<GuestParams, DryRunQuery, MetadataPatch | null>,
  { guests, runtime }: Context,
): Promise<Reply<Metadata>> => {
  const view = viewFor(principal, guests.subject(params.guestID));
  let before: Metadata = {};
  const patch = (guest: Guest): Guest => {
    const current = metadataOf(guest);
    before = current;
    requireMatch(ifMatch, view.metadata(current));
    return normalizeGuest({
      ...guest,
      metadata: requireMetadataFits(applyMetadataPatch(current, payload ?? {})),
    });
  };
  const current = guests.get(params.guestID);
  const added = applyMetadataPatch({}, payload ?? {});
  requireReadable({ metadata: added });
  const mistake = isContainer(current) ? movedKeyMistake(added) : seedMistake(added);
  if (mistake !== undefined) throw invalid(mistake);
  const identity = renamedBy(current, payload ?? {});
  if (dryRun) {
    runtime.identities.check(identity);
    return ok(view.metadata(metadataOf(patch(current))));
  }
  const update = (): Promise<Guest> => guests.update(params.guestID, patch);
  const guest = await runtime.identities.claim(identity, update);
  const reply = metadataFor(principal, metadataOf(guest), guest);
  return { ...reply, headers: { ...reply.headers, ...seedHeaders(guest, before) } };
};
