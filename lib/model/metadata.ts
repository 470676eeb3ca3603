import { invalid } from '../errors.js';
import type { Metadata } from './guest.js';
import { SEALED_KEYS, sealedKeys } from './secrets.js';

/** Every change of a guest writes all its metadata, and every stage's request carries it. */
const MAX_METADATA_BYTES = 256 * 1024;

/**
 * A key leaves `sealed-keys` only together with its value: otherwise the patch would make the value readable.
 * @throws {AgentError} `invalid`
 */
const requireSealed = (current: Metadata, patch: Record<string, string | null>): void => {
  if (!(SEALED_KEYS in patch)) return;
  const kept = sealedKeys({ [SEALED_KEYS]: patch[SEALED_KEYS] ?? '' });
  const unsealed = [...sealedKeys(current)].filter(
    (key) => key in current && !kept.has(key) && !(key in patch),
  );
  if (unsealed.length === 0) return;
  throw invalid(
    `"${SEALED_KEYS}" must keep ${unsealed.join(', ')}, or the same patch must give it a new value or remove it: no client may read the sealed value`,
  );
};

/**
 * Returns metadata after a PATCH, which removes keys with `null` or `""` and sets the others.
 * @throws {AgentError} `invalid` for a patch that would make a sealed value readable
 */
export const applyMetadataPatch = (current: Metadata, patch: Record<string, string | null>): Metadata => {
  requireSealed(current, patch);
  const patched = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (value) patched[key] = value;
    else delete patched[key];
  }
  return patched;
};

/**
 * Returns the metadata when its total size is within the limit.
 * @throws {AgentError} `invalid`
 */
export const requireMetadataFits = (metadata: Metadata): Metadata => {
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  if (bytes <= MAX_METADATA_BYTES) return metadata;
  throw invalid(
    `metadata must be at most ${MAX_METADATA_BYTES} bytes in total, got ${bytes}: remove some keys`,
  );
};
