import type { Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

/** Responding at all shows that the process is alive. */
export const getHealth = async (): Promise<Reply<{ status: 'ok' }>> => ok({ status: 'ok' });
