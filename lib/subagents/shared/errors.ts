import { Refusal } from '../../rpc/protocol/refusal.js';

/** Refuses a call for want of an image. The ending is the contract's. */
export const noSuchImage = (id: string): Refusal => new Refusal('not_found', `image ${id}: no such image`);

/** Refuses a call for want of anything else. The ending is the contract's. */
export const notFound = (what: string): Refusal => new Refusal('not_found', `${what}: not found`);
