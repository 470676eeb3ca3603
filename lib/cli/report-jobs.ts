import type { Accepted } from '../client/index.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { explain } from './explain.js';
import { Failure } from './failure.js';
import { type FollowOptions, outcomeOf, reportJob } from './follow.js';
import type { Session } from './session.js';

/** One of the things that a command acts on. */
export interface Request<Body> {
  /** What the command does with it, for a failure of the request itself. */
  title: string;
  /** The same in words that the response has better; `title` by default. */
  titleOf?: (body: Body) => string;
  send: () => Promise<Accepted<Body>>;
}

/** What would fail all others in the same way, or is what the user wants. */
const STOPPING: readonly ExitCode[] = [EXIT.interrupted, EXIT.unreachable];

/**
 * Sends all requests, then reports the job of each as `reportJob` does. With `--json` prints a list, unless there is
 * one request. A failure does not keep the others from being sent.
 * @throws {Failure} that counts the failures, with the exit code of the first
 */
export const reportJobs = async <Body>(
  session: Session,
  requests: readonly Request<Body>[],
  options: FollowOptions,
): Promise<void> => {
  const titled = ({ title, titleOf }: Request<Body>, { body }: Accepted<Body>): string =>
    titleOf?.(body) ?? title;
  const [only] = requests;
  if (only && requests.length === 1) {
    const accepted = await only.send();
    return reportJob(session, accepted, titled(only, accepted), options);
  }
  const failures: ExitCode[] = [];
  const attempt = async <Result>(title: string, run: () => Promise<Result>): Promise<Result[]> => {
    try {
      return [await run()];
    } catch (error) {
      const { exitCode, message, hint } = explain(error);
      if (STOPPING.includes(exitCode)) throw error;
      failures.push(exitCode);
      process.stderr.write(`${title}: ${message}\n${hint ? `${hint}\n` : ''}`);
      return [];
    }
  };
  const sent: { title: string; accepted: Accepted<Body> }[] = [];
  for (const request of requests)
    for (const accepted of await attempt(request.title, request.send))
      sent.push({ title: titled(request, accepted), accepted });
  const outcomes: unknown[] = [];
  for (const { title, accepted } of sent)
    outcomes.push(...(await attempt(title, () => outcomeOf(session, accepted, title, options))));
  if (session.out.json) session.out.value(outcomes);
  const [first] = failures;
  if (first !== undefined) throw new Failure(first, `${failures.length} of ${requests.length} failed`);
};
