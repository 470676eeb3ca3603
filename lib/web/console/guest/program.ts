import type { Guest } from '../../../model/guest.js';

const at = (time: string): string => new Date(time).toLocaleString();

/** What a container's program did, in words; `undefined` for a guest without one. */
export const programFact = ({ program }: Guest): string | undefined => {
  if (!program?.started) return undefined;
  const { started, ended, exitCode, outOfMemory, restarts, health } = program;
  const code = exitCode === undefined ? '' : ` with exit code ${exitCode}`;
  return [
    `started ${at(started)}`,
    ended && `ended ${at(ended)}${code}${outOfMemory ? ', out of memory' : ''}`,
    restarts && `started again ${restarts === 1 ? 'once' : `${restarts} times`} by the engine`,
    health && `health check: ${health}`,
  ]
    .filter(Boolean)
    .join(', ');
};
