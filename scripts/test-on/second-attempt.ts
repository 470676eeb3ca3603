import type { Part } from './parts.js';
import type { PartResult, Result } from './results.js';

const SEPARATOR = ' › ';
/** How `npm test` reports a file that ended in the middle. */
const ENDED_FILE = /^(dist\/\S+\.test\.js) exited with/;

/**
 * Returns the commands that run a part's failed tests again, one file at a time: on a busy machine, a test can miss a
 * deadline.
 */
export const secondAttempt = ({ command }: Part, results: readonly Result[]): Part['command'][] => {
  const failed = results.filter(({ outcome }) => outcome === 'failed').map(({ test }) => test);
  const titles = failed
    .filter((test) => test.includes(SEPARATOR))
    .map((test) => test.split(SEPARATOR).at(-1));
  const files = failed.flatMap((test) => ENDED_FILE.exec(test)?.[1] ?? []);
  const commands: Part['command'][] = [];
  if (titles.length > 0)
    commands.push([...command, '--concurrency=1', ...titles.flatMap((title) => ['--match', `*${title}`])]);
  if (files.length > 0) commands.push(['npm', '--silent', 'test', '--', '--concurrency=1', ...files]);
  return commands;
};

/** Returns a part's result after its failed tests have passed. */
export const passedAgain = (result: PartResult): PartResult => ({
  ...result,
  passed: true,
  results: result.results.map((test) =>
    test.outcome === 'failed' ? { ...test, outcome: 'passed', reason: 'at the second attempt' } : test,
  ),
});
