import type { Context } from '../../lib/agent/context.js';
import type { DryRunQuery, Event, Reply } from '../../lib/model/endpoint.js';
import { requireMatch } from '../../lib/model/etag.js';
import type { Metadata } from '../../lib/model/guest.js';
import { applyMetadataPatch, requireMetadataFits } from '../../lib/model/metadata.js';
import { ok, tagged } from '../replies.js';

export type MetadataPatch = Record<string, string | null>;

export const patchMetadata = async (
  { payload, query: { dryRun }, ifMatch }: Event<unknown, DryRunQuery, MetadataPatch | null>,
  { metadata }: Context,
): Promise<Reply<Metadata>> => {
  const patch = payload ?? {};
  const check = (current: Metadata): void => requireMatch(ifMatch, current);
  if (!dryRun) return tagged(await metadata.patch(patch, check));
  check(metadata.all());
  return ok(requireMetadataFits(applyMetadataPatch(metadata.all(), patch)));
};
