import type { Command } from 'commander';
import { formatJson } from '../../portable/format.js';
import { eventLine } from '../event-line.js';
import { guestId, namesOfGuests } from '../names.js';
import { talking } from '../session.js';

interface EventsCommandOptions {
  guest?: string;
  kind?: string;
  after?: string;
}

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
        const names = out.json ? new Map<string, string>() : await namesOfGuests(client);
        for await (const event of events)
          out.print(out.json ? formatJson(event) : eventLine(event, names, out.colours));
      }),
    );
};
