import type { Command } from 'commander';
import { MistifyError } from '../client/errors.js';
import type { Accepted, Guest, Job, MistifyClient } from '../client/index.js';
import { AGENT_RUNNER, isFinished } from '../model/job.js';
import { formatSeconds, shortId } from '../portable/format.js';
import { EXIT } from './exit-codes.js';
import { Failure } from './failure.js';
import { progressLine, startStatusLine } from './progress.js';
import type { Session } from './session.js';

export interface FollowOptions {
  wait?: boolean | undefined;
  dryRun?: boolean;
}

/** Adds the options that every command with a job has. */
export const addJobOptions = (command: Command): Command =>
  command
    .option('-w, --wait', 'wait until the job has ended, and show its progress')
    .option('--dry-run', 'only check the request; change nothing');

const isUnreachable = (error: unknown): error is MistifyError =>
  error instanceof MistifyError && error.status === 0;

const lostConnection = (id: string, { message }: MistifyError): Failure =>
  new Failure(
    EXIT.unreachable,
    message,
    `Job ${shortId(id)} continues, even if the agent restarts. To wait for it: mistify job wait ${shortId(id)}`,
  );

const interrupted = (id: string): Failure =>
  new Failure(
    EXIT.interrupted,
    'interrupted: the job continues',
    `To wait for it again: mistify job wait ${shortId(id)}
To cancel it: mistify job cancel ${shortId(id)}`,
  );

interface JobEvent {
  id?: string;
  percent?: number;
}

/** Reports a job's percentage from the agent's events until `signal` aborts. Errors only cost the percentage. */
const followPercent = async (
  client: MistifyClient,
  { ID, GuestID }: Job,
  onPercent: (percent: number | undefined) => void,
  signal: AbortSignal,
): Promise<void> => {
  const guest = GuestID === AGENT_RUNNER ? undefined : GuestID;
  try {
    for await (const { data } of client.events({ kind: 'job', guest, signal })) {
      const { id, percent } = data as JobEvent;
      if (id === ID) onPercent(percent);
    }
  } catch {
    // The job itself is polled, and its message shows the progress in words.
  }
};

/**
 * Waits for a job and shows its progress on a terminal. Ctrl-C leaves the job running.
 * @param title what the job does, in words
 * @throws {JobError} when the job ended in `Error`
 */
export const followJob = async ({ client }: Session, id: string, title: string): Promise<Job> => {
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.on('SIGINT', onInterrupt);
  const done = new AbortController();
  const line = await startStatusLine(title);
  let latest: Job | undefined;
  let percent: number | undefined;
  const draw = (): void => latest && line.show(progressLine(title, latest, percent));
  try {
    return await client.waitForJob(id, {
      signal: interrupt.signal,
      onProgress: (job) => {
        const isFirst = latest === undefined;
        latest = job;
        draw();
        if (!isFirst || isFinished(job) || !process.stderr.isTTY) return;
        const onPercent = (now: number | undefined): void => {
          percent = now;
          draw();
        };
        void followPercent(client, job, onPercent, done.signal);
      },
    });
  } catch (error) {
    if (interrupt.signal.aborted) throw interrupted(id);
    throw isUnreachable(error) ? lostConnection(id, error) : error;
  } finally {
    done.abort();
    line.stop();
    process.off('SIGINT', onInterrupt);
  }
};

/** Formats how long a job ran. */
const elapsed = ({ StartedAt, UpdatedAt }: Pick<Job, 'StartedAt' | 'UpdatedAt'>): string =>
  formatSeconds(Math.max(0.1, (Date.parse(UpdatedAt) - Date.parse(StartedAt)) / 1000));

/** Prints that a job is complete, with the details in its message. */
export const doneLine = (title: string, job: Job): string =>
  [`${title}: done in ${elapsed(job)}`, job.Message].filter(Boolean).join(': ');

/**
 * Says that a job was queued or, with `--wait`, its result; nothing with `--json`.
 * @param say prints a line
 * @returns what `--json` prints: the job, or the response to a dry run
 */
export const outcomeOf = async (
  session: Session,
  { jobId, unchecked, body }: Accepted<unknown>,
  title: string,
  { wait, dryRun }: FollowOptions,
  say: (line: string) => void = (line) => session.out.line(line),
): Promise<unknown> => {
  const { client, out } = session;
  const sayIt = out.json ? () => {} : say;
  if (dryRun) {
    sayIt(`${title}: would be accepted; nothing was changed`);
    if (unchecked.length > 0) out.note(`not checked, so that it may still fail: ${unchecked.join(', ')}`);
    return body;
  }
  if (wait) {
    const job = await followJob(session, jobId, title);
    sayIt(doneLine(title, job));
    return job;
  }
  sayIt(`${title}: queued as job ${shortId(jobId)}`);
  if (process.stdout.isTTY)
    out.note(`To wait for it: mistify job wait ${shortId(jobId)} (or use --wait next time)`);
  return out.json ? client.jobs.get(jobId) : undefined;
};

/** Prints what `outcomeOf` says or, with `--json`, what it returns. */
export const reportJob = async (
  session: Session,
  accepted: Accepted<unknown>,
  title: string,
  options: FollowOptions,
): Promise<void> => {
  const outcome = await outcomeOf(session, accepted, title, options);
  if (session.out.json) session.out.value(outcome);
};

/** Prints the ID of a new guest, for scripts, and beside it what `reportJob` prints. */
export const reportNewGuest = async (
  session: Session,
  accepted: Accepted<Pick<Guest, 'id'>>,
  title: string,
  options: FollowOptions,
): Promise<void> => {
  const { out } = session;
  if (out.json || options.dryRun) return reportJob(session, accepted, title, options);
  out.line(accepted.body.id);
  await outcomeOf(session, accepted, title, options, (line) => out.note(line));
};
