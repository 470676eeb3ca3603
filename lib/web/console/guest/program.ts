import type { Guest } from '../../../model/guest.js';
import { timeText } from '../times.js';

/** What a container's program did, in words; `undefined` for a guest without one. */
export const programFact = ({ program }: Guest): string | undefined => {
  if (!program?.started) return undefined;
  const { started, ended, exitCode, outOfMemory, restarts, health } = program;
  const code = exitCode === undefined ? '' : ` with exit code ${exitCode}`;
  return [
    `started ${timeText(started)}`,
    ended && `ended ${timeText(ended)}${code}${outOfMemory ? ', out of memory' : ''}`,
    restarts && `started again ${restarts === 1 ? 'once' : `${restarts} times`} by the engine`,
    health && `health check: ${health}`,
  ]
    .filter(Boolean)
    .join(', ');
};
