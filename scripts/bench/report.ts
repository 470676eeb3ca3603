import { cpus } from 'node:os';
import { median, medianRatio } from './statistics.js';
import type { Figure, Pace, Suite, Target } from './suite.js';

export interface SuiteResult {
  suite: Suite;
  figures: readonly Figure[];
}

const number = (value: number): string => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
};

/** Formats the median, with the lowest and the highest round. */
const spread = (values: readonly number[]): string =>
  values.length === 1
    ? number(median(values))
    : `${number(median(values))} (${number(Math.min(...values))}-${number(Math.max(...values))})`;

const ratioOf = ({ values, bare }: Figure): number | undefined => bare && medianRatio(values, bare);

const wanted = ({ atLeast, atMost, ofBare }: Target): string =>
  [
    ...(atLeast === undefined ? [] : [`≥ ${atLeast}`]),
    ...(atMost === undefined ? [] : [`≤ ${atMost}`]),
    ...(ofBare === undefined ? [] : [`≥ ${ofBare} of bare`]),
  ].join(', ');

/** Checks a figure against its target; `undefined` without one. */
const isMet = (figure: Figure): boolean | undefined => {
  if (!figure.target) return undefined;
  const { atLeast = -Infinity, atMost = Infinity, ofBare = -Infinity } = figure.target;
  const value = median(figure.values);
  return value >= atLeast && value <= atMost && (ratioOf(figure) ?? Infinity) >= ofBare;
};

const cells = (figure: Figure): string[] => {
  const { name, unit, values, bare, target } = figure;
  const ratio = ratioOf(figure);
  return [
    name,
    `${spread(values)} ${unit}`,
    bare ? `${spread(bare)}` : '',
    ratio === undefined ? '' : ratio.toPrecision(3),
    target ? `${isMet(figure) ? '✔' : '✘'} ${wanted(target)}` : '',
  ];
};

/** The ratio is the median of the rounds' ratios: both rounds of a pair ran in the same minute. */
const HEAD = ['', 'agent', 'bare node:http', 'ratio, by rounds', 'target'];

/** Formats a Markdown table, which is also readable in a terminal. */
const table = (rows: readonly (readonly string[])[]): string => {
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
};

export const printSuite = ({ suite, figures }: SuiteResult): void => {
  console.log(`\n${suite.title}\n\n${table(figures.map(cells))}`);
};

/** Describes the machine and the pace in one line. */
export const circumstances = ({ rounds, seconds }: Pace): string =>
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Node.js ${process.versions.node}; median (lowest-highest) of ${rounds} rounds of ${seconds} s`;

export const asJson = (results: readonly SuiteResult[], pace: Pace): string =>
  JSON.stringify(
    {
      circumstances: circumstances(pace),
      suites: Object.fromEntries(
        results.map(({ suite, figures }) => [
          suite.name,
          figures.map((figure) => ({ ...figure, median: median(figure.values), met: isMet(figure) })),
        ]),
      ),
    },
    null,
    2,
  );
