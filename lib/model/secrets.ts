import { withoutSecretEnv } from './container/secret-env.js';
import type { Guest, Metadata } from './guest.js';
import { type Client, mayEverywhere, mayOn, type Subject } from './rights.js';

/** Metadata keys that hold cloud-init documents, whose scripts and passwords are for the guest alone. */
const SECRET_KEYS: ReadonlySet<string> = new Set(['user-data', 'vendor-data']);

/** Begin keys that users mark as secret, and those that held the environment of containers in earlier versions. */
const SECRET_PREFIXES = ['env.', 'secret.'] as const;

/** The metadata key that lists further keys, separated by commas or blanks, whose values no client may read. */
export const SEALED_KEYS = 'sealed-keys';

const isSecret = (key: string): boolean =>
  SECRET_KEYS.has(key) || SECRET_PREFIXES.some((prefix) => key.startsWith(prefix));

export const NO_KEYS: ReadonlySet<string> = new Set();

/** Returns the keys whose values no client may read. */
export const sealedKeys = ({ [SEALED_KEYS]: listed }: Metadata): ReadonlySet<string> => {
  if (listed === undefined) return NO_KEYS;
  const keys = new Set(listed.split(/[\s,]+/).filter(Boolean));
  keys.delete(SEALED_KEYS);
  return keys;
};

const without = (metadata: Metadata, keys: readonly string[]): Metadata => {
  if (keys.length === 0) return metadata;
  const hidden = new Set(keys);
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !hidden.has(key)));
};

const withoutKeys = (guest: Guest, metadata: Metadata, keys: readonly string[]): Guest => {
  if (keys.length === 0) return guest;
  return {
    ...guest,
    metadata: without(metadata, keys),
    hidden: [...keys.map((key) => `metadata.${key}`), ...(guest.hidden ?? [])],
  };
};

/** Metadata, and guests with theirs, as some clients may see them. */
export class View {
  readonly #hidesSecrets: boolean;
  /** The same object for the same value, so that its JSON and its ETag are computed once. */
  readonly #known = new WeakMap<object, Metadata | Guest>();

  constructor(hidesSecrets: boolean) {
    this.#hidesSecrets = hidesSecrets;
  }

  /**
   * Lists the keys that the clients may not see.
   * @param sealedLater keys sealed since the metadata was recorded
   */
  hiddenKeys(metadata: Metadata, sealedLater = NO_KEYS): string[] {
    if (this.#showsAllOf(metadata) && sealedLater.size === 0) return [];
    const sealed = sealedKeys(metadata);
    return Object.keys(metadata).filter(
      (key) => (this.#hidesSecrets && isSecret(key)) || sealed.has(key) || sealedLater.has(key),
    );
  }

  /** Returns metadata without its hidden keys. */
  metadata(metadata: Metadata): Metadata {
    if (this.#showsAllOf(metadata)) return metadata;
    return this.#once(metadata, () => without(metadata, this.hiddenKeys(metadata)));
  }

  /**
   * Returns a guest without its secret environment and the hidden keys of its metadata. `hidden` names them, so that
   * clients do not take the rest for the whole guest.
   */
  guest(guest: Guest): Guest {
    const { metadata = {}, container } = guest;
    if (container?.secretEnv === undefined && this.#showsAllOf(metadata)) return guest;
    return this.#once(guest, () => withoutSecretEnv(withoutKeys(guest, metadata, this.hiddenKeys(metadata))));
  }

  /**
   * Returns an earlier state of a guest as `guest` does, also without the keys sealed since.
   * @param sealedLater the keys that are sealed now
   */
  earlierGuest(guest: Guest, sealedLater: ReadonlySet<string>): Guest {
    const { metadata } = guest;
    if (metadata === undefined || sealedLater.size === 0) return this.guest(guest);
    return withoutSecretEnv(withoutKeys(guest, metadata, this.hiddenKeys(metadata, sealedLater)));
  }

  /** Decides most cases without looking at the keys. */
  #showsAllOf(metadata: Metadata): boolean {
    return !this.#hidesSecrets && metadata[SEALED_KEYS] === undefined;
  }

  #once<Value extends Metadata | Guest>(value: Value, compute: () => Value): Value {
    const earlier = this.#known.get(value) as Value | undefined;
    if (earlier !== undefined) return earlier;
    const computed = compute();
    this.#known.set(value, computed);
    return computed;
  }
}

/** What clients that may read secrets see: all but sealed keys. */
const OPEN_VIEW = new View(false);
/** What all others see, webhooks included. */
export const CLOSED_VIEW = new View(true);

/** Returns what a client sees of a guest, or of the host when none is given. */
export const viewFor = (client: Client, guest?: Subject): View => {
  const isOpen = guest ? mayOn(client, 'content', guest) : mayEverywhere(client, 'content');
  return isOpen ? OPEN_VIEW : CLOSED_VIEW;
};

/** Returns what a client sees of each guest of a list. */
export const viewsFor = (client: Client): ((guest: Subject) => View) =>
  mayEverywhere(client, 'content') ? () => OPEN_VIEW : (guest) => viewFor(client, guest);

/** Returns the name of a guest where everyone may see it: nothing when it is sealed, or the guest has none. */
export const shownName = ({ metadata = {} }: Pick<Guest, 'metadata'>): { name?: string } => {
  const { name } = CLOSED_VIEW.metadata(metadata);
  return name ? { name } : {};
};
