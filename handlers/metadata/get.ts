import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Metadata } from '../../lib/model/guest.js';
import { tagged } from '../replies.js';

export const getMetadata = async (_event: Event, { metadata }: Context): Promise<Reply<Metadata>> =>
  tagged(metadata.all());
