import type { Command } from 'commander';
import { MistifyError } from '../client/errors.js';
import type { Accepted, Job } from '../client/index.js';
import { formatSeconds, shortId } from '../portable/format.js';
import { EXIT } from './exit-codes.js';
import { Failure } from './failure.js';
import { progressLine, startProgress } from './progress.js';
import type { Session } from './session.js';

export interface FollowOptions {
  wait?: boolean;
  dryRun?: boolean;
}

/** Gives a command that queues a job the options that all of them have. */
export const queues = (command: Command): Command =>
  command
    .option('-w, --wait', 'wait until the job has ended, and show how far it is')
    .option('--dry-run', 'only check what is asked for; change nothing');

const isAway = (error: unknown): error is MistifyError => error instanceof MistifyError && error.status === 0;

const lostSight = (id: string, { message }: MistifyError): Failure =>
  new Failure(
    EXIT.unreachable,
    message,
    `Job ${shortId(id)} goes on, also when the agent is started again. To wait for it: mistify job wait ${shortId(id)}`,
  );

/**
 * Follows a job to its end, with its progress on a terminal. Ctrl-C leaves the job running.
 * @param title what it does, in words
 * @throws {JobError} when it ended in `Error`
 */
export const followJob = async ({ client }: Session, id: string, title: string): Promise<Job> => {
  const interrupted = new AbortController();
  const onInterrupt = (): void => interrupted.abort();
  process.on('SIGINT', onInterrupt);
  const progress = await startProgress(title);
  try {
    return await client.waitForJob(id, {
      signal: interrupted.signal,
      onProgress: (job) => progress.show(progressLine(title, job)),
    });
  } catch (error) {
    if (!interrupted.signal.aborted) throw isAway(error) ? lostSight(id, error) : error;
    throw new Failure(
      EXIT.interrupted,
      `not waited for any longer: the job goes on`,
      `To wait for it again: mistify job wait ${shortId(id)}
To end it: mistify job cancel ${shortId(id)}`,
    );
  } finally {
    progress.stop();
    process.off('SIGINT', onInterrupt);
  }
};

/** How long a job ran. */
export const took = ({ StartedAt, UpdatedAt }: Pick<Job, 'StartedAt' | 'UpdatedAt'>): string =>
  formatSeconds(Math.max(0.1, (Date.parse(UpdatedAt) - Date.parse(StartedAt)) / 1000));

/**
 * Tells of something that was asked for; with `--wait`, of what came of it. In JSON that is the job, or of a dry run
 * what would be answered.
 */
export const tellOfJob = async (
  session: Session,
  { jobId, body }: Accepted<unknown>,
  title: string,
  { wait, dryRun }: FollowOptions,
): Promise<void> => {
  const { client, out } = session;
  if (dryRun) {
    if (out.json) out.value(body);
    else out.line(`${title}: would be accepted; nothing was changed`);
    return;
  }
  const job = wait ? await followJob(session, jobId, title) : undefined;
  if (out.json) out.value(job ?? (await client.jobs.get(jobId)));
  else if (job) out.line(`${title}: done in ${took(job)}`);
  else {
    out.line(`${title}: queued as job ${shortId(jobId)}`);
    if (process.stdout.isTTY)
      out.note(`To wait for it: mistify job wait ${shortId(jobId)}, or next time --wait`);
  }
};
