import { MAX_SHUTDOWN_S, MIN_SHUTDOWN_S } from '../../model/shutdown-timeout.js';
import type { StageArgs } from '../../rpc/protocol/calls.js';
import { Refusal } from '../../rpc/protocol/refusal.js';

/**
 * Reads the argument `timeout`, the seconds that a guest gets to shut down. The agent's config or its client sets it.
 * @param mayBeZero whether 0 is allowed, which gives the guest no time at all
 * @returns milliseconds; `undefined` without the argument
 * @throws {Refusal} when it is no number in range
 */
export const shutdownTimeoutMs = (
  { timeout }: StageArgs = {},
  { mayBeZero = false }: { mayBeZero?: boolean } = {},
): number | undefined => {
  if (timeout === undefined) return undefined;
  const seconds = timeout.trim() === '' ? Number.NaN : Number(timeout);
  if ((seconds >= MIN_SHUTDOWN_S && seconds <= MAX_SHUTDOWN_S) || (mayBeZero && seconds === 0))
    return seconds * 1000;
  const range = `${MIN_SHUTDOWN_S} to ${MAX_SHUTDOWN_S} seconds`;
  throw new Refusal('invalid', `"timeout" must be ${mayBeZero ? '0, or ' : ''}${range}, got "${timeout}"`);
};
