import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Principal } from '../../lib/model/principal.js';
import { ok } from '../replies.js';

/** Returns who the client is, and what it may do. */
export const getAccess = async ({ principal }: Event): Promise<Reply<Principal>> =>
  ok({ name: principal?.name ?? '', scope: principal?.scope ?? 'read' });
