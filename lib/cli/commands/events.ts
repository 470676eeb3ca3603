import type { Command } from 'commander';
import type { AgentEvent } from '../../client/index.js';
import { formatValue } from '../format.js';
import { guestId } from '../names.js';
import type { Output } from '../output.js';
import { talking } from '../session.js';

interface EventsCommandOptions {
  guest?: string;
  kind?: string;
  after?: string;
}

const show = ({ colours }: Output, { event, data }: AgentEvent): string =>
  `${colours.bold(event.padEnd(8))} ${formatValue(data).replaceAll('\n', ' ')}`;

export const addEventsCommand = (program: Command): void => {
  program
    .command('events')
    .description('follow what happens on the host, until Ctrl-C')
    .option('--guest <guest>', 'of this guest alone')
    .option('--kind <kind>', 'of this kind alone')
    .option('--after <id>', 'begin with what came after the event of this id')
    .addHelpText(
      'after',
      `
With --json each event is a line of JSON. After a broken connection it goes on where it was.

Examples:
  mistify events --guest web
  mistify events --json | jq -c .data`,
    )
    .action(
      talking(async ({ client, out }, { guest, kind, after }: EventsCommandOptions) => {
        const id = guest === undefined ? undefined : await guestId(client, guest);
        const events = client.events({
          guest: id,
          kind,
          lastEventId: after,
          onBroken: ({ message }) => out.note(`${message}; trying again …`),
        });
        for await (const event of events) out.line(out.json ? JSON.stringify(event) : show(out, event));
      }),
    );
};
