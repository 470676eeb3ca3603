import type { Command } from 'commander';
import { eventLine } from '../event-line.js';
import { guestId, namesOfGuests } from '../names.js';
import { formatJson } from '../printable.js';
import { withSession } from '../session.js';

interface EventsCommandOptions {
  guest?: string;
  kind?: string;
  after?: string;
}

export const addEventsCommand = (program: Command): void => {
  program
    .command('events')
    .description('follow the events of the host until Ctrl-C')
    .option('--guest <guest>', 'only events of this guest')
    .option('--kind <kind>', 'only events of this kind: guest, job, image, service or schedule')
    .option('--after <id>', 'start after the event with this ID')
    .addHelpText(
      'after',
      `
With --json each event is a line of JSON. After a broken connection the events resume without a gap.

Examples:
  mistify events --guest web
  mistify events --json | jq -c .data`,
    )
    .action(
      withSession(async ({ client, out }, { guest, kind, after }: EventsCommandOptions) => {
        const id = guest === undefined ? undefined : await guestId(client, guest);
        const events = client.events({
          guest: id,
          kind,
          lastEventId: after,
          onBroken: ({ message }) => out.note(`${message}; reconnecting …`),
        });
        const names = out.json ? new Map<string, string>() : await namesOfGuests(client);
        for await (const event of events)
          out.print(out.json ? formatJson(event) : eventLine(event, names, out.colours));
      }),
    );
};
