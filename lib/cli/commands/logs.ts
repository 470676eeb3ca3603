import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { LOG_STREAMS, type LogsQuery } from '../../model/guest-logs.js';
import { guestId } from '../names.js';
import { parseCount } from '../option-values.js';
import { withSession } from '../session.js';
import { parseSince } from '../since.js';

export const addLogsCommand = (program: Command): void => {
  program
    .command('logs <guest>')
    .description("print a container's output, or what a virtual machine has printed on its serial console")
    .option('-f, --follow', 'go on with what the guest prints from now on, until Ctrl-C')
    .option('-n, --tail <lines>', 'begin with this many of the last lines', parseCount)
    .option('--since <time>', 'leave out what is older: a time, or 10m, 2h, 3d; containers only', (text) =>
      parseSince(text),
    )
    .option('-t, --timestamps', 'begin each line with its time; containers only')
    .addOption(
      new Option('--stream <stream>', 'one of the two outputs; containers only').choices([...LOG_STREAMS]),
    )
    .addHelpText(
      'after',
      `
With --follow, it ends when a container stops, or a virtual machine is deleted.

Examples:
  mistify logs web --tail 100 --follow
  mistify logs box --since 10m --stream stderr`,
    )
    .action(
      withSession(async ({ client }, text: string, options: LogsQuery) => {
        const bytes = await client.guests.logs(await guestId(client, text), options);
        await pipeline(bytes, process.stdout, { end: false });
      }),
    );
};
