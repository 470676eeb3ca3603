import { type Command, Option } from 'commander';
import type { WarmRequest } from '../../client/index.js';
import { addJobOptions, type FollowOptions } from '../follow.js';
import { guestsNamed } from '../names.js';
import { parseCount } from '../option-values.js';
import { reportJobs } from '../report-jobs.js';
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
    .command('warm <template...>')
    .description('boot templates once and keep their memory, with which their clones resume')
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
    withSession(async (session, texts: string[], options: WarmOptions) => {
      const { guests } = session.client;
      const { dryRun } = options;
      const requests = (await guestsNamed(session.client, texts)).map(({ id, label }) => ({
        title: `warm ${label}`,
        send: () => guests.warm(id, requestOf(options), { dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
  const cool = guest
    .command('cool <template...>')
    .description('discard the memory of warm templates; their clones boot');
  addJobOptions(cool).action(
    withSession(async (session, texts: string[], options: FollowOptions) => {
      const { guests } = session.client;
      const { dryRun } = options;
      const requests = (await guestsNamed(session.client, texts)).map(({ id, label }) => ({
        title: `cool ${label}`,
        send: () => guests.cool(id, { dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
};
