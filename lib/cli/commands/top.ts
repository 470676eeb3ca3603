import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { formatBytes, formatJson, formatMb, shortId, visible } from '../../portable/format.js';
import { colourState } from '../colours.js';
import { nameOf } from '../names.js';
import { parseCount } from '../option-values.js';
import type { Output } from '../output.js';
import { talking } from '../session.js';
import type { Row } from '../top/watch.js';

const DEFAULT_SECONDS = 2;

const parseSeconds = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds >= 0.1 && seconds <= 3600)) throw new InvalidArgumentError('give seconds, 0.1 to 3600');
  return seconds;
};

const TITLES = ['GUEST', 'NAME', 'STATE', 'CPU %', 'MEMORY', 'READ/S', 'WRITE/S', 'RECV/S', 'SENT/S'];
const NUMBERS = [3, 4, 5, 6, 7, 8];

const cells = ({ colours }: Output, { guest, rates }: Row): string[] => [
  visible(shortId(guest.id)),
  visible(nameOf(guest) ?? ''),
  colourState(colours, visible(guest.state ?? '')),
  rates ? rates.cpu.toFixed(1) : '',
  formatMb(guest.memory),
  ...(['read', 'written', 'received', 'sent'] as const).map((key) => (rates ? formatBytes(rates[key]) : '')),
];

/** The busiest first, then those that are off. */
const sorted = (rows: readonly Row[]): Row[] =>
  rows.toSorted((one, other) => (other.rates?.cpu ?? -1) - (one.rates?.cpu ?? -1));

const heading = (rows: readonly Row[], seconds: number): string => {
  const running = rows.filter(({ guest }) => guest.state === 'running').length;
  const guests = rows.length === 1 ? '1 guest' : `${rows.length} guests`;
  return `${new Date().toTimeString().slice(0, 8)}  ${guests}, ${running} running, every ${seconds} s`;
};

interface TopOptions {
  interval: number;
  count?: number;
}

/** @param left ends it early */
const follow = async (
  out: Output,
  look: () => Promise<Row[]>,
  { interval, count }: TopOptions,
  left: AbortSignal,
): Promise<void> => {
  const [{ formatTable }, { Screen }] = await Promise.all([
    import('../table.js'),
    import('../top/screen.js'),
  ]);
  const isTerminal = process.stdout.isTTY === true;
  const times = count ?? (isTerminal ? Number.POSITIVE_INFINITY : 1);
  // A rate takes two looks: what is shown first on a terminal has none yet.
  let rows = await look();
  const screen = isTerminal && !out.json ? new Screen(process.stdout) : undefined;
  screen?.draw([heading(rows, interval)], ['…']);
  for (let time = 0; time < times; time += 1) {
    // An early end is none of its errors.
    await delay(interval * 1000, undefined, { signal: left }).catch(() => {});
    if (left.aborted) break;
    rows = sorted(await look());
    if (out.json) {
      out.print(formatJson(rows.map(({ guest, rates }) => ({ ...guest, rates }))));
      continue;
    }
    const table = formatTable(
      TITLES,
      rows.map((row) => cells(out, row)),
      { colours: out.colours, right: NUMBERS },
    );
    const [titles = '', ...lines] = table.split('\n');
    if (screen) screen.draw([heading(rows, interval), '', titles], lines);
    else out.print(table);
  }
  screen?.close();
};

export const addTopCommand = (program: Command): void => {
  program
    .command('top')
    .description('how busy the guests are, as it changes, until q or Ctrl-C')
    .option('-n, --interval <seconds>', 'how often to look', parseSeconds, DEFAULT_SECONDS)
    .option('--count <times>', 'end after so many looks; 1 when it is not shown on a terminal', parseCount)
    .addHelpText(
      'after',
      `
CPU is in percent of one CPU: a guest with 4 vCPUs has at most 400.

Examples:
  mistify top
  mistify top --json --count 10 -n 1`,
    )
    .action(
      talking(async ({ client, out }, options: TopOptions) => {
        const { Watch } = await import('../top/watch.js');
        const watch = new Watch(client);
        const { leaving } = await import('../top/quit-key.js');
        const { left, release } = leaving();
        try {
          await follow(out, () => watch.look(), options, left);
        } finally {
          release();
        }
      }),
    );
};
