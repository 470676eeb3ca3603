import { Refusal } from '../../rpc/protocol/refusal.js';

/** The refusal for a missing image. The contract fixes how its message ends. */
export const noSuchImage = (id: string): Refusal => new Refusal('not_found', `image ${id}: no such image`);

/** The refusal for anything else that is missing. The contract fixes how its message ends. */
export const notFound = (what: string): Refusal => new Refusal('not_found', `${what}: not found`);
