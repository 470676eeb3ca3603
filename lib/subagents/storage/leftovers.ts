import { formatBytes } from '../../portable/format.js';
import type { Leftover } from './stored.js';

export const describeLeftover = ({ volume, bytes, reason }: Leftover): string =>
  `${volume} still takes ${formatBytes(bytes)}: ${reason}`;

/** Says what a deletion had to leave behind, for the job's message; `undefined` when it left nothing. */
export const describeLeftovers = (leftovers: Leftover[]): string | undefined =>
  leftovers.length === 0 ? undefined : leftovers.map(describeLeftover).join('; ');
