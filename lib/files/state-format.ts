import { AgentError } from '../errors.js';

/**
 * The format of the state directory that this version writes: docs/upgrading.md.
 * - 1: 480ae54, which wrote no number;
 * - 2: guests have virtual hardware of their own, which earlier versions would replace;
 * - 3: the journals and the token file have the number of their format;
 * - 4: so have the files of the sub-agents;
 * - 5: what a container runs and may do is in its guest's `container`, no longer in the metadata;
 * - 6: tokens have grants, which earlier versions would not know how to limit, in place of a scope.
 */
export const STATE_FORMAT = 6;

/**
 * @param what the file
 * @param format the number that it has; 1 when it has none
 * @throws {AgentError} `conflict` for a file of a newer version
 */
export const requireKnownFormat = (what: string, format: unknown = 1): void => {
  if (Number.isInteger(format) && Number(format) <= STATE_FORMAT) return;
  throw new AgentError(
    'conflict',
    `${what} has format ${format}, from a newer version of the agent; this one reads up to ${STATE_FORMAT}: start the newer version, or restore the backup from before its upgrade (nothing was changed)`,
  );
};
