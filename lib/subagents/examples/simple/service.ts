import { InvalidArgumentError } from 'commander';
import type { Logger } from '../../../log.js';
import { guestRequestSchema } from '../../../rpc/protocol/guest-messages.js';
import { SubAgent } from '../../../rpc/server/sub-agent.js';

/** Parses the option `--percent`. */
export const parsePercent = (value: string): number => {
  const percent = Number(value);
  if (value.trim() === '' || !(percent >= 0 && percent <= 100))
    throw new InvalidArgumentError('Give a number from 0 to 100.');
  return percent;
};

/**
 * Creates a sub-agent whose one method, `Simple.DoStuff`, returns the guest unchanged or fails.
 * @param percent the percentage of calls that fail
 */
export const createSimple = (percent: number, log: Logger): SubAgent =>
  new SubAgent({ name: 'mistify-simple', log }).method('Simple.DoStuff', guestRequestSchema, ({ guest }) => {
    if (Math.random() * 100 < percent) throw new Error(`failed, as ${percent}% of the calls do`);
    return { guest };
  });
