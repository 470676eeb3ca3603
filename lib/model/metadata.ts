import { invalid } from '../errors.js';
import type { Metadata } from './guest.js';

/** Every change of a guest writes all its metadata, and every stage's request carries it. */
const MAX_METADATA_BYTES = 256 * 1024;

/** Returns metadata after a PATCH, which removes keys with `null` or `""` and sets the others. */
export const applyMetadataPatch = (current: Metadata, patch: Record<string, string | null>): Metadata => {
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
