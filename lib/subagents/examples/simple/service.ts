import { InvalidArgumentError } from 'commander';
import type { Logger } from '../../../log.js';
import { guestRequestSchema } from '../../../rpc/protocol/messages.js';
import { SubAgent } from '../../../rpc/server/sub-agent.js';

export const parsePercent = (value: string): number => {
  const percent = Number(value);
  if (value.trim() === '' || !(percent >= 0 && percent <= 100))
    throw new InvalidArgumentError('not a number from 0 to 100');
  return percent;
};

/**
 * A sub-agent whose one method, `Simple.DoStuff`, gives the guest back unchanged or fails.
 * @param percent how many of a hundred calls fail: none at 0, all at 100
 */
export const createSimple = (percent: number, log: Logger): SubAgent =>
  new SubAgent({ name: 'mistify-simple', log }).method('Simple.DoStuff', guestRequestSchema, ({ guest }) => {
    if (Math.random() * 100 < percent) throw new Error(`failed, as ${percent}% of the calls do`);
    return { guest };
  });
