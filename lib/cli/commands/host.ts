import type { Command } from 'commander';
import type { HostStatus, WaitingGuest } from '../../client/index.js';
import type { Column } from '../columns.js';
import { EXIT } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { parseShutdownSeconds } from '../option-values.js';
import { type Session, withSession } from '../session.js';

/** How long one request waits, in seconds; a longer one could be cut off by a proxy. */
const WAIT_S = 20;

const COLUMNS: readonly Column<WaitingGuest>[] = [
  { title: 'GUEST', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'STATE', value: ({ state }) => state, state: true },
  { title: 'PROBLEM', value: ({ problem }) => problem },
];

const PHASES: Record<HostStatus['phase'], string> = {
  up: 'guests run as their clients want',
  starting: 'these guests wait for their start: the host was booted, or told to stay up',
  'going-down': 'these guests are being turned off because the host goes down',
  down: 'the guests are off because the host goes down; none starts by itself until the next boot or mistify host up',
};

const STILL_ON =
  'the host goes down, and these guests are still on; none starts by itself until the next boot or mistify host up';

const show = async ({ out }: Session, { phase, waiting }: HostStatus): Promise<void> => {
  await out.list(waiting, COLUMNS, { empty: PHASES[phase] });
  if (waiting.length > 0) out.note(phase === 'down' ? STILL_ON : PHASES[phase]);
};

interface DownOptions {
  within?: number;
  force?: boolean;
  save?: boolean;
}

/** Shuts the guests down, and waits until that has ended. */
const shutDown = async (session: Session, { within: timeout, force, save }: DownOptions): Promise<void> => {
  const { host } = session.client;
  let status = await host.down({ timeout, force, save, wait: WAIT_S });
  while (status.phase === 'going-down') {
    session.out.note(`waiting for ${status.waiting.map(({ id, name }) => name ?? id).join(', ')}`);
    status = await host.down({ timeout, force, save, wait: WAIT_S });
  }
  await show(session, status);
  if (status.waiting.length > 0)
    throw new Failure(
      EXIT.failed,
      'guests are still on',
      'To cut their power: mistify host down --force. To let guests start by themselves again: mistify host up',
    );
};

export const addHostCommands = (program: Command): void => {
  const host = program
    .command('host')
    .description('see how the host is, shut down all guests before it goes down, and let them come back')
    .addHelpText(
      'after',
      `
Examples:
  mistify host
  mistify host --json
  mistify host down --within 120 --force
  mistify host up`,
    );
  host
    .command('show', { isDefault: true })
    .description('show CPUs, memory, space, versions, what is wrong, and which guests come up or go down')
    .action(
      withSession(async (session) => {
        const details = await session.client.host.get();
        if (session.out.json) return session.out.value(details);
        const { showHost } = await import('./host-show.js');
        await showHost(session.out, details);
        await show(session, details);
      }),
    );
  host
    .command('down')
    .description('shut down or save all guests and wait for them; none starts by itself until the next boot')
    .option(
      '--within <seconds>',
      'how long each guest may take to shut down (default: 60, or its own)',
      parseShutdownSeconds,
    )
    .option('--force', 'cut the power of guests that do not shut down in time')
    .option('--save', 'save the memory of guests to disk instead; their next start resumes them')
    .action(withSession((session, options: DownOptions) => shutDown(session, options)));
  host
    .command('up')
    .description('start guests by their policies, as after a boot, when the host stays up after all')
    .action(withSession(async (session) => show(session, await session.client.host.up())));
};
