import type { Guest } from '../guest.js';

/** Says why a container cannot have its memory; `undefined` when it can. */
export const memoryProblem = ({ memory, container }: Guest): string | undefined =>
  memory && container?.unlimitedMemory
    ? '"memory" is a limit, and "container.unlimitedMemory" takes it away: leave one of them out'
    : undefined;
