import type { Guest, Metadata } from './guest.js';
import { hasScope, type Principal } from './principal.js';

/** Metadata keys that hold cloud-init documents, whose scripts and passwords are for the guest alone. */
const SECRET_KEYS: ReadonlySet<string> = new Set(['user-data', 'vendor-data']);

/** Begin the keys of a container's environment variables, and keys that users mark as secret. */
const SECRET_PREFIXES = ['env.', 'secret.'] as const;

const isSecret = (key: string): boolean =>
  SECRET_KEYS.has(key) || SECRET_PREFIXES.some((prefix) => key.startsWith(prefix));

/** Whether a client may read secrets, and the content of disks. */
export const mayReadSecrets = (principal: Principal | undefined): boolean =>
  principal !== undefined && hasScope(principal, 'export');

/** Lists the keys of metadata whose values are secret. */
export const secretKeys = (metadata: Metadata): string[] => Object.keys(metadata).filter(isSecret);

const known = new WeakMap<object, Metadata | Guest>();

/** Returns the same object for the same value, so that its JSON and its ETag are computed once. */
const once = <Value extends Metadata | Guest>(value: Value, compute: () => Value): Value => {
  const earlier = known.get(value) as Value | undefined;
  if (earlier !== undefined) return earlier;
  const computed = compute();
  known.set(value, computed);
  return computed;
};

/** Returns metadata without its secret keys. */
export const withoutSecrets = (metadata: Metadata): Metadata =>
  once(metadata, () =>
    secretKeys(metadata).length === 0
      ? metadata
      : Object.fromEntries(Object.entries(metadata).filter(([key]) => !isSecret(key))),
  );

/**
 * Returns a guest without the secrets of its metadata. `hidden` names the missing keys, so that clients do not take the
 * rest for the whole guest.
 */
export const guestWithoutSecrets = (guest: Guest): Guest => {
  const { metadata } = guest;
  if (metadata === undefined) return guest;
  return once(guest, () => {
    const hidden = secretKeys(metadata).map((key) => `metadata.${key}`);
    return hidden.length === 0 ? guest : { ...guest, metadata: withoutSecrets(metadata), hidden };
  });
};

/** Returns a guest as a client may see it. */
export const guestFor = (principal: Principal | undefined, guest: Guest): Guest =>
  mayReadSecrets(principal) ? guest : guestWithoutSecrets(guest);
