import { type AgentError, Forbidden, guestExists, guestNotFound } from '../errors.js';
import { namedVolumes } from '../model/container/mounts.js';
import type { ContainerSpec } from '../model/container/spec.js';
import type { Guest } from '../model/guest.js';
import { boundTags, type Client, mayEverywhere, mayOn, type Subject, type Verb } from '../model/rights.js';

/**
 * Requires that a client may act on a guest, or on what belongs to it.
 * @param hidden the error for a client that may not see the guest: that of one that does not exist
 * @throws {Forbidden} for a guest that the client may see
 */
export const requireOnGuest = (
  client: Client,
  verb: Verb,
  guest: Subject,
  hidden: AgentError = guestNotFound(guest.id),
): void => {
  if (mayOn(client, verb, guest)) return;
  if (!mayOn(client, 'look', guest)) throw hidden;
  throw new Forbidden(verb, `you lack the right "${verb}" for guest ${guest.id}`);
};

/**
 * @param what the client wants to do, to complete "… needs the right"
 * @throws {Forbidden}
 */
export const requireEverywhere = (client: Client, verb: Verb, what: string): void => {
  if (mayEverywhere(client, verb)) return;
  throw new Forbidden(verb, `${what} needs the right "${verb}" for all guests, and yours is for some`);
};

/** What a guest, or a patch of one, says about the volumes of a container: `null` returns a key to its default. */
type MountsWish = { [Key in 'mounts' | 'imageMounts']?: ContainerSpec[Key] | null };

/**
 * Requires that a client may mount the volumes of a container: without the right for all guests, those that a guest of its
 * own has already.
 * @param guests all of the host
 * @throws {Forbidden}
 */
export const requireVolumes = (
  client: Client,
  { mounts, imageMounts }: MountsWish,
  guests: readonly Guest[],
): void => {
  if (mayEverywhere(client, 'change')) return;
  const wanted = [
    ...namedVolumes({ mounts: mounts ?? [] }),
    ...(imageMounts ?? []).map(({ volume }) => volume),
  ];
  if (wanted.length === 0) return;
  const own = guests.filter((guest) => mayOn(client, 'change', guest));
  const known = new Set(own.flatMap(({ container = {} }) => namedVolumes(container)));
  const foreign = wanted.find((name) => !known.has(name));
  if (foreign !== undefined)
    throw new Forbidden(
      'change',
      `volume ${foreign} is mounted by none of your guests: mounting it needs the right "change" for all guests`,
    );
};

/**
 * Requires that a client may create a guest: without the right for all guests, it must be one of its own from the start. It
 * has no tag that would give rights on it to other clients.
 * @param guests all of the host
 * @throws {Forbidden}
 */
export const requireNewGuest = (client: Client, guest: Guest, guests: readonly Guest[]): void => {
  if (mayEverywhere(client, 'change')) return;
  // The new guest would replace one that could not be created.
  const earlier = guests.find(({ id }) => id === guest.id);
  if (earlier) requireOnGuest(client, 'change', earlier, guestExists(guest.id));
  const own = boundTags(client, 'change');
  const choice =
    own.length > 0 ? `give the guest one of your tags (${own.join(', ')})` : 'ask an administrator';
  if (!mayOn(client, 'change', guest))
    throw new Forbidden(
      'change',
      `your right "change" is for some guests, and this is none of them: ${choice}`,
    );
  const foreign = guest.tags?.find((tag) => !own.includes(tag));
  if (foreign !== undefined)
    throw new Forbidden(
      'change',
      `tag "${foreign}" is none of yours, and tags decide who may do what with a guest: leave it out`,
    );
  if (guest.disks?.some(({ volume, source }) => volume || source))
    requireEverywhere(client, 'change', 'using a volume of the storage for a disk');
  requireVolumes(client, guest.container ?? {}, guests);
};
