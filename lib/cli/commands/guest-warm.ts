import { type Command, Option } from 'commander';
import type { WarmRequest } from '../../client/index.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { guestId } from '../names.js';
import { parseCount } from '../option-values.js';
import { withSession } from '../session.js';

interface WarmOptions extends FollowOptions {
  serial?: string;
  after?: number;
  within?: number;
  sharedRandomness?: boolean;
}

const NOTES = `
The template boots once on its own disks, without NICs. When it is ready, its memory is kept, and it is off again. The clones
that are made of it from then on resume there at their first start, instead of booting. They have what was in that memory:
read docs/warm-starts.md before you warm a template that knows secrets.

Examples:
  mistify guest warm debian --wait                       ready once its guest agent responds
  mistify guest warm tiny --serial 'login:' --shared-randomness --wait`;

const requestOf = ({ serial, after, within, sharedRandomness }: WarmOptions): WarmRequest => ({
  ...(serial === undefined ? {} : { ready: { serial } }),
  ...(after === undefined ? {} : { ready: { seconds: after } }),
  ...(within === undefined ? {} : { timeout: within }),
  ...(sharedRandomness ? { randomness: 'shared' } : {}),
});

/** Adds `warm` and `cool`. */
export const addWarm = (guest: Command): void => {
  const warm = guest
    .command('warm <template>')
    .description('boot a template once and keep its memory, with which its clones resume')
    .addOption(
      new Option('--serial <text>', 'it is ready when it prints this on its serial console').conflicts(
        'after',
      ),
    )
    .option('--after <seconds>', 'it is ready after this time', parseCount)
    .option('--within <seconds>', 'how long its boot may take; 300 by default', parseCount)
    .option('--shared-randomness', 'accept that its clones may begin with the same random numbers')
    .addHelpText('after', NOTES);
  addJobOptions(warm).action(
    withSession(async (session, text: string, options: WarmOptions) => {
      const { dryRun } = options;
      const id = await guestId(session.client, text);
      const accepted = await session.client.guests.warm(id, requestOf(options), { dryRun });
      await reportJob(session, accepted, `warm ${text}`, options);
    }),
  );
  const cool = guest
    .command('cool <template>')
    .description('discard the memory of a warm template; its clones boot');
  addJobOptions(cool).action(
    withSession(async (session, text: string, options: FollowOptions) => {
      const { dryRun } = options;
      const id = await guestId(session.client, text);
      const accepted = await session.client.guests.cool(id, { dryRun });
      await reportJob(session, accepted, `cool ${text}`, options);
    }),
  );
};
