import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Metadata } from '../../lib/model/guest.js';
import { metadataFor } from '../replies.js';

export const getMetadata = async ({ principal }: Event, { metadata }: Context): Promise<Reply<Metadata>> =>
  metadataFor(principal, metadata.all());
