import type { Guest } from '../../lib/model/guest.js';
import { ok } from '../replies.js';
import type { Context, Event, Reply } from '../types.js';

export const listGuests = async (_event: Event, { guests }: Context): Promise<Reply<Guest[]>> =>
  ok(guests.list());
