import type { Command } from 'commander';
import type { Job, MistifyClient } from '../../client/index.js';
import { formatAge, shortId } from '../../portable/format.js';
import { jobObject, otherTarget } from '../../portable/job-target.js';
import { type Column, keysFor, parseFields } from '../columns.js';
import { doneLine, followJob } from '../follow.js';
import { guestId, idsOf, jobId, namesOfGuests } from '../names.js';
import { parseCount } from '../option-values.js';
import type { Output } from '../output.js';
import { actOnEach } from '../report-jobs.js';
import { withSession } from '../session.js';

const DEFAULT_LIMIT = 20;

/** @param names of the guests, by ID; a job has the name of a guest that is gone */
const columns = (names: ReadonlyMap<string, string>): Column<Job>[] => [
  { title: 'ID', value: ({ ID }) => shortId(ID), from: ['ID'] },
  {
    title: 'TARGET',
    value: (job) => otherTarget(job) ?? shortId(job.GuestID),
    from: ['GuestID', 'ImageID', 'VolumeID'],
  },
  {
    title: 'NAME',
    value: ({ GuestID, GuestName }) => names.get(GuestID) ?? GuestName,
    from: ['GuestID', 'GuestName'],
  },
  { title: 'ACTION', value: ({ Action }) => Action, from: ['Action'] },
  { title: 'WITH', value: jobObject, from: ['GuestID', 'ImageID', 'SnapshotName'] },
  {
    title: 'BY',
    value: ({ RequestedBy, Cause }) => RequestedBy ?? Cause,
    from: ['RequestedBy', 'Cause'],
  },
  { title: 'STATUS', value: ({ Status }) => Status, state: true, from: ['Status'] },
  { title: 'QUEUED', value: ({ QueuedAt }) => formatAge(QueuedAt), right: true, from: ['QueuedAt'] },
  { title: 'MESSAGE', value: ({ Message }) => Message, from: ['Message'] },
];

/** Reads the names of guests only where they are shown. */
const namesShown = async (client: MistifyClient, jobs: readonly Job[], out: Output, fields?: string[]) =>
  jobs.length > 0 && (fields?.includes('name') ?? !out.json)
    ? namesOfGuests(client)
    : new Map<string, string>();

interface ListOptions {
  guest?: string;
  limit: number;
  fields?: string[];
}

export const addJobCommands = (program: Command): void => {
  const job = program
    .command('job')
    .description('manage jobs, the log of all queued actions')
    .addHelpText(
      'after',
      `
Refer to a job by its ID or the beginning of its ID.

Examples:
  mistify job list --guest web
  mistify job wait 3f2a81c4`,
    );

  job
    .command('list')
    .description('list the latest jobs, newest first')
    .option('--guest <guest>', 'only jobs of this guest')
    .option('--limit <count>', 'how many jobs to list', parseCount, DEFAULT_LIMIT)
    .option('--fields <keys>', 'only these keys or columns, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, { guest, limit, fields }: ListOptions) => {
        const jobs = guest === undefined ? client.jobs : client.jobsOf(await guestId(client, guest));
        const { items } = await jobs.list({ limit, fields: keysFor(fields, columns(new Map())) });
        const shown = items as Job[];
        const names = await namesShown(client, shown, out, fields);
        await out.list(shown, columns(names), { fields, empty: 'no jobs' });
      }),
    );

  job
    .command('show <job>')
    .description('show a job')
    .option('--fields <keys>', 'only these keys, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, text: string, { fields }: { fields?: string[] }) =>
        out.one(await client.jobs.get(await jobId(client, text)), fields),
      ),
    );

  job
    .command('cancel <job...>')
    .description('cancel queued or running jobs')
    .option('--dry-run', 'only check the request; change nothing')
    .action(
      withSession(async (session, texts: string[], { dryRun }: { dryRun?: boolean }) => {
        const { client } = session;
        const outcome = dryRun ? 'would be cancelled; nothing was changed' : 'cancelled';
        const acts = (await idsOf(jobId, client, texts)).map((id) => ({
          title: `job ${shortId(id)}`,
          run: () => client.jobs.cancel(id, { dryRun }),
          lines: ({ ID, Action }: Job) => [`${Action}, job ${shortId(ID)}: ${outcome}`],
        }));
        await actOnEach(session, acts);
      }),
    );

  job
    .command('wait <job...>')
    .description('wait until jobs have ended, and show their progress')
    .action(
      withSession(async (session, texts: string[]) => {
        const acts = (await idsOf(jobId, session.client, texts)).map((id) => ({
          title: `job ${shortId(id)}`,
          run: () => followJob(session, id, `job ${shortId(id)}`),
          lines: (ended: Job) => [doneLine(`${ended.Action}, job ${shortId(id)}`, ended)],
        }));
        await actOnEach(session, acts);
      }),
    );
};
