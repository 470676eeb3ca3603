import { invalid } from '../errors.js';
import type { Metadata } from './guest.js';

/** Each change of a guest writes all of its metadata, and each stage of an action is sent it. */
const MAX_METADATA_BYTES = 256 * 1024;

/** Metadata after a PATCH: keys set to `null` or `""` are removed, the others set. */
export const patchMetadata = (current: Metadata, patch: Record<string, string | null>): Metadata => {
  const patched = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (value) patched[key] = value;
    else delete patched[key];
  }
  return patched;
};

/** @throws {AgentError} `invalid` when it is too much all together */
export const requireMetadataFits = (metadata: Metadata): Metadata => {
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  if (bytes <= MAX_METADATA_BYTES) return metadata;
  throw invalid(
    `the metadata would be ${bytes} bytes: at most ${MAX_METADATA_BYTES} are kept, so remove some keys`,
  );
};
