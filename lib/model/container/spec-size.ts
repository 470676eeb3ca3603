import { invalid } from '../../errors.js';
import type { ContainerSpec } from './spec.js';

/** Every change of a guest writes all of it, and every stage's request carries it. */
const MAX_BYTES = 256 * 1024;

/** @throws {AgentError} `invalid` */
export const requireSpecFits = (spec: ContainerSpec | undefined): void => {
  const bytes = Buffer.byteLength(JSON.stringify(spec ?? {}));
  if (bytes > MAX_BYTES)
    throw invalid(
      `"container" must be at most ${MAX_BYTES} bytes in total, got ${bytes}: shorten its environment or its command`,
    );
};
