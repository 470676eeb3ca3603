import type { Context } from '../../lib/agent/context.js';
import type { DryRunQuery, Event, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import type { Metadata } from '../../lib/model/guest.js';
import { applyMetadataPatch, requireMetadataFits } from '../../lib/model/metadata.js';
import { viewFor } from '../../lib/model/secrets.js';
import { metadataFor, ok } from '../replies.js';

export type MetadataPatch = Record<string, string | null>;

export const patchMetadata = async (
  { payload, query: { dryRun }, ifMatch, principal }: Event<unknown, DryRunQuery, MetadataPatch | null>,
  { metadata }: Context,
): Promise<Reply<Metadata>> => {
  const patch = payload ?? {};
  const check = (current: Metadata): void => requireMatch(ifMatch, viewFor(principal).metadata(current));
  if (!dryRun) return metadataFor(principal, await metadata.patch(patch, check));
  check(metadata.all());
  return ok(viewFor(principal).metadata(requireMetadataFits(applyMetadataPatch(metadata.all(), patch))));
};
