import type { Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

/** That this is answered at all says that the process lives. */
export const getHealth = async (): Promise<Reply<{ status: 'ok' }>> => ok({ status: 'ok' });
