/** What a test came to. */
export interface Result {
  part: string;
  /** The file and the title. */
  test: string;
  outcome: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or what else there is to say. */
  reason?: string;
}

export interface PartResult {
  part: string;
  seconds: number;
  passed: boolean;
  results: Result[];
}

const OUTCOMES = { '✔': 'passed', '✘': 'failed', '-': 'skipped' } as const;
const LINE = /^(✔|✘|-) (.*)$/;

/** Reads a test from a line that `npm test` prints. Other lines are none. */
export const parseLine = (part: string, line: string): Result | undefined => {
  const [, sign, rest = ''] = LINE.exec(line) ?? [];
  if (sign === undefined) return undefined;
  const outcome = OUTCOMES[sign as keyof typeof OUTCOMES];
  if (outcome !== 'skipped') return { part, test: rest, outcome };
  const [, test = rest, reason = 'it says no reason'] =
    /^(.*) \(skipped: (.*)\) \(skipped\)$/.exec(rest) ?? [];
  return { part, test, outcome, reason };
};

/** Reads the tests from what a part printed. A failed test is printed again at the end. */
export const parseOutput = (part: string, output: string): Result[] => {
  const results = new Map<string, Result>();
  for (const line of output.split('\n')) {
    const result = parseLine(part, line);
    if (result) results.set(result.test, result);
  }
  return [...results.values()];
};

const count = (results: readonly Result[], outcome: Result['outcome']): number =>
  results.filter((result) => result.outcome === outcome).length;

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** The closing line. A part that fails without a failed test counts as a failure, and one without tests as one test. */
export const countLine = (parts: readonly PartResult[]): string => {
  const results = parts.flatMap((part) => part.results);
  const passed = parts.filter((part) => part.passed && part.results.length === 0).length;
  const failed = parts.filter((part) => !part.passed && count(part.results, 'failed') === 0).length;
  const skipped = count(results, 'skipped');
  const more = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${count(results, 'passed') + passed} passed, ${count(results, 'failed') + failed} failed${more}`;
};

/** A table of the parts, and below it a line for each test that failed, was skipped, or passed at the second attempt. */
export const summary = (parts: readonly PartResult[]): string => {
  const lines = [
    row(['part', 'passed', 'failed', 'skipped', 'seconds', '']),
    row(['---', '---', '---', '---', '---', '---']),
  ];
  for (const { part, seconds, passed, results } of parts) {
    const counts = (['passed', 'failed', 'skipped'] as const).map((outcome) => count(results, outcome));
    lines.push(row([part, ...counts, Math.round(seconds), passed ? 'ok' : 'FAILED']));
  }
  for (const { test, outcome, reason } of parts.flatMap(({ results }) => results))
    if (outcome !== 'passed' || reason) lines.push(`${outcome}: ${test}${reason ? ` (${reason})` : ''}`);
  return lines.join('\n');
};

/** A table of all tests, in Markdown. */
export const table = (heading: string, parts: readonly PartResult[]): string => {
  const rows = parts.flatMap(({ part, passed, results }) =>
    results.length > 0
      ? results.map(({ test, outcome, reason }) =>
          row([part, test.replaceAll('|', '\\|'), reason ? `${outcome}: ${reason}` : outcome]),
        )
      : [row([part, part, passed ? 'passed' : 'failed'])],
  );
  return [heading, '', row(['part', 'test', 'result']), row(['---', '---', '---']), ...rows, ''].join('\n');
};
