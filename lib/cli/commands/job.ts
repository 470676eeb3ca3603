import type { Command } from 'commander';
import type { Job } from '../../client/index.js';
import { formatAge, shortId } from '../../portable/format.js';
import { doneLine, followJob } from '../follow.js';
import { guestId, jobId } from '../names.js';
import { parseCount } from '../option-values.js';
import { type Column, parseFields } from '../output.js';
import { withSession } from '../session.js';

const DEFAULT_LIMIT = 20;

const COLUMNS: readonly Column<Job>[] = [
  { title: 'ID', value: ({ ID }) => shortId(ID) },
  { title: 'TARGET', value: ({ GuestID, ImageID, VolumeID }) => ImageID ?? VolumeID ?? shortId(GuestID) },
  { title: 'ACTION', value: ({ Action, Cause }) => (Cause ? `${Action} (${Cause})` : Action) },
  { title: 'STATUS', value: ({ Status }) => Status, state: true },
  { title: 'QUEUED', value: ({ QueuedAt }) => formatAge(QueuedAt), right: true },
  { title: 'MESSAGE', value: ({ Message }) => Message },
];

interface ListOptions {
  guest?: string;
  limit: number;
  fields?: (keyof Job)[];
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
    .option('--fields <keys>', 'only these keys, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, { guest, limit, fields }: ListOptions) => {
        const jobs = guest === undefined ? client.jobs : client.jobsOf(await guestId(client, guest));
        const { items } = await jobs.list({ limit, fields });
        await out.list(items, COLUMNS, { fields, empty: 'no jobs' });
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
    .command('cancel <job>')
    .description('cancel a queued or running job')
    .option('--dry-run', 'only check the request; change nothing')
    .action(
      withSession(async ({ client, out }, text: string, { dryRun }: { dryRun?: boolean }) => {
        const cancelled = await client.jobs.cancel(await jobId(client, text), { dryRun });
        const { ID, Action } = cancelled;
        if (out.json) out.value(cancelled);
        else
          out.line(
            `${Action}, job ${shortId(ID)}: ${dryRun ? 'would be cancelled; nothing was changed' : 'cancelled'}`,
          );
      }),
    );

  job
    .command('wait <job>')
    .description('wait until a job has ended, and show its progress')
    .action(
      withSession(async (session, text: string) => {
        const { client, out } = session;
        const id = await jobId(client, text);
        const ended = await followJob(session, id, `job ${shortId(id)}`);
        if (out.json) out.value(ended);
        else out.line(doneLine(`${ended.Action}, job ${shortId(id)}`, ended));
      }),
    );
};
