import { type Guest, metadataOf } from './guest.js';
import { CLOSED_VIEW } from './secrets.js';

/** Metadata may be long, and logs and series repeat the name. */
const MAX_NAME = 255;

/** Returns a guest's name as far as every client may read it; `undefined` for a guest without one, or with a sealed one. */
export const openNameOf = (guest: Guest): string | undefined =>
  CLOSED_VIEW.metadata(metadataOf(guest)).name?.slice(0, MAX_NAME) || undefined;
