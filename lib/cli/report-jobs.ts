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

/** Tries one thing after the other: a failure is printed, and does not keep the others from being tried. */
class Attempts {
  readonly #failures: ExitCode[] = [];

  /** Returns the result in a list, which is empty after a failure. */
  async run<Result>(title: string, attempt: () => Promise<Result>): Promise<Result[]> {
    try {
      return [await attempt()];
    } catch (error) {
      const { exitCode, message, hint } = explain(error);
      if (STOPPING.includes(exitCode)) throw error;
      this.#failures.push(exitCode);
      process.stderr.write(`${title}: ${message}\n${hint ? `${hint}\n` : ''}`);
      return [];
    }
  }

  /** @throws {Failure} that counts the failures, with the exit code of the first */
  throwIfAny(total: number): void {
    const [first] = this.#failures;
    if (first !== undefined) throw new Failure(first, `${this.#failures.length} of ${total} failed`);
  }
}

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
  const attempts = new Attempts();
  const sent: { title: string; accepted: Accepted<Body> }[] = [];
  for (const request of requests)
    for (const accepted of await attempts.run(request.title, request.send))
      sent.push({ title: titled(request, accepted), accepted });
  const outcomes: unknown[] = [];
  for (const { title, accepted } of sent)
    outcomes.push(...(await attempts.run(title, () => outcomeOf(session, accepted, title, options))));
  if (session.out.json) session.out.value(outcomes);
  attempts.throwIfAny(requests.length);
};

/** One of the things that a command acts on without a job. */
export interface Act<Result> {
  title: string;
  run: () => Promise<Result>;
  /** Says what was done, one fact a line. */
  lines: (result: Result) => readonly string[];
}

/**
 * Acts on one thing after the other, and prints the lines of each. With `--json` prints the results, as a list unless
 * there is one.
 * @throws {Failure} that counts the failures, with the exit code of the first
 */
export const actOnEach = async <Result>({ out }: Session, acts: readonly Act<Result>[]): Promise<void> => {
  const attempts = new Attempts();
  const results: Result[] = [];
  const say = (line: string): void => {
    if (!out.json) out.line(line);
  };
  for (const { title, run, lines } of acts) {
    const done = acts.length === 1 ? [await run()] : await attempts.run(title, run);
    results.push(...done);
    done.flatMap(lines).forEach(say);
  }
  if (out.json) out.value(acts.length === 1 ? results[0] : results);
  attempts.throwIfAny(acts.length);
};
