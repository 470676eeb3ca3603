import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { MistifyClient } from '../../client/index.js';
import { counted } from '../../model/units.js';
import { formatBytes, formatMb, shortId } from '../../portable/format.js';
import { colourState } from '../colours.js';
import { invalidValue } from '../failure.js';
import { nameOf } from '../names.js';
import { parseCount } from '../option-values.js';
import type { Output } from '../output.js';
import { escapeControls, formatJson } from '../printable.js';
import { withSession } from '../session.js';
import type { Row } from '../top/sampler.js';

const DEFAULT_SECONDS = 2;

const parseSeconds = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds >= 0.1 && seconds <= 3600)) throw invalidValue('give seconds from 0.1 to 3600');
  return seconds;
};

const TITLES = ['GUEST', 'NAME', 'STATE', 'CPU %', 'MEMORY', 'READ/S', 'WRITE/S', 'RECV/S', 'SENT/S'];
const NUMBERS = [3, 4, 5, 6, 7, 8];

const cells = ({ colours }: Output, { guest, rates }: Row): string[] => [
  escapeControls(shortId(guest.id)),
  escapeControls(nameOf(guest) ?? ''),
  colourState(colours, escapeControls(guest.state ?? '')),
  rates ? rates.cpu.toFixed(1) : '',
  formatMb(guest.memory),
  ...(['read', 'written', 'received', 'sent'] as const).map((key) => (rates ? formatBytes(rates[key]) : '')),
];

/** Sorts the busiest guests first and those that are off last. */
const sorted = (rows: readonly Row[]): Row[] =>
  rows.toSorted((one, other) => (other.rates?.cpu ?? -1) - (one.rates?.cpu ?? -1));

const heading = (rows: readonly Row[], seconds: number): string => {
  const running = rows.filter(({ guest }) => guest.state === 'running').length;
  const guests = counted(rows.length, 'guest');
  return `${new Date().toTimeString().slice(0, 8)}  ${guests}, ${running} running, every ${seconds} s`;
};

interface TopOptions {
  interval: number;
  count?: number;
}

/** What a sample shows: the host, where the agent describes it, and its guests. */
interface Sample {
  host: string | undefined;
  rows: Row[];
}

/** @param quit ends it early */
const show = async (
  out: Output,
  sample: () => Promise<Sample>,
  { interval, count }: TopOptions,
  quit: AbortSignal,
): Promise<void> => {
  const [{ formatTable }, { Screen }] = await Promise.all([
    import('../table.js'),
    import('../top/screen.js'),
  ]);
  const isTerminal = process.stdout.isTTY === true;
  const times = count ?? (isTerminal ? Number.POSITIVE_INFINITY : 1);
  // A rate needs two samples, so the first one is not shown.
  let { host, rows } = await sample();
  const screen = isTerminal && !out.json ? new Screen(process.stdout) : undefined;
  const head = (): string[] => [heading(rows, interval), ...(host === undefined ? [] : [host])];
  screen?.draw(head(), ['…']);
  for (let time = 0; time < times; time += 1) {
    await delay(interval * 1000, undefined, { signal: quit }).catch(() => {});
    if (quit.aborted) break;
    ({ host, rows } = await sample());
    rows = sorted(rows);
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
    if (screen) screen.draw([...head(), '', titles], lines);
    else {
      if (host !== undefined) out.note(host);
      out.print(table);
    }
  }
  screen?.close();
};

/** Describes the host; `undefined` when the token is for some guests alone, or the host cannot be described. */
const describeHost = async (client: MistifyClient): Promise<string | undefined> => {
  const { hostLine } = await import('../top/host-line.js');
  return client.host.get().then(
    (host) => escapeControls(hostLine(host)),
    () => undefined,
  );
};

export const addTopCommand = (program: Command): void => {
  program
    .command('top')
    .description('show the load of the host and of the guests until q or Ctrl-C')
    .option('-n, --interval <seconds>', 'time between samples', parseSeconds, DEFAULT_SECONDS)
    .option('--count <times>', 'stop after this many samples; 1 by default without a terminal', parseCount)
    .addHelpText(
      'after',
      `
CPU is in percent of one CPU: a guest with 4 vCPUs can reach 400.

Examples:
  mistify top
  mistify top --json --count 10 -n 1`,
    )
    .action(
      withSession(async ({ client, out }, options: TopOptions) => {
        const { GuestSampler } = await import('../top/sampler.js');
        const sampler = new GuestSampler(client);
        const { listenForQuit } = await import('../top/quit-key.js');
        const { quit, stop } = listenForQuit();
        try {
          const sample = async (): Promise<Sample> => {
            const [rows, host] = await Promise.all([sampler.sample(), describeHost(client)]);
            return { rows, host };
          };
          await show(out, sample, options, quit);
        } finally {
          stop();
        }
      }),
    );
};
