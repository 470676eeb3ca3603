import type { Guest } from '../guest.js';
import { DEFAULT_MEMORY_MB } from '../guest-size.js';

/** The memory of a guest that names none: MB, or `undefined` for no limit. */
export const defaultMemory = ({ container }: Pick<Guest, 'container'>): number | undefined =>
  container?.unlimitedMemory ? undefined : DEFAULT_MEMORY_MB;

/** Says why a container cannot have its memory; `undefined` when it can. */
export const memoryProblem = ({ memory, container }: Guest): string | undefined =>
  memory && container?.unlimitedMemory
    ? '"memory" is a limit, and "container.unlimitedMemory" takes it away: leave one of them out'
    : undefined;
