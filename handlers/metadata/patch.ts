import type { Metadata } from '../../lib/model/guest.js';
import { ok } from '../replies.js';
import type { Context, Event, Reply } from '../types.js';

export type MetadataPatch = Record<string, string | null>;

export const patchMetadata = async (
  { payload }: Event<unknown, unknown, MetadataPatch | null>,
  { metadata }: Context,
): Promise<Reply<Metadata>> => ok(await metadata.patch(payload ?? {}));
