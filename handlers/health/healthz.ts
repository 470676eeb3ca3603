import { ok } from '../replies.js';
import type { Reply } from '../types.js';

/** That this is answered at all says that the process lives. */
export const getHealth = async (): Promise<Reply<{ status: 'ok' }>> => ok({ status: 'ok' });
