import type { Command } from 'commander';
import { MAX_SCROLLBACK_BYTES } from '../../http/websocket/console.js';
import { invalidValue } from '../failure.js';
import { guestId, labelOf } from '../names.js';
import { withSession } from '../session.js';

const parseScrollback = (text: string): number => {
  const bytes = Number(text);
  if (/^\d+$/.test(text) && bytes <= MAX_SCROLLBACK_BYTES) return bytes;
  throw invalidValue(`give a number of bytes from 0 to ${MAX_SCROLLBACK_BYTES}`);
};

export const addConsoleCommand = (program: Command): void => {
  program
    .command('console <guest>')
    .description("open a guest's serial console, or a shell in a container")
    .option('--scrollback <bytes>', 'how much earlier output to show', parseScrollback)
    .addHelpText(
      'after',
      `
Quit with Ctrl-] q; Ctrl-] ? shows the other keys. If the guest is off, its output appears once it starts.
Without a terminal, standard input goes to the guest and its output to standard output.

Examples:
  mistify console web
  mistify console web --scrollback 100000`,
    )
    .action(
      withSession(async ({ client, out }, text: string, { scrollback }: { scrollback?: number }) => {
        const id = await guestId(client, text);
        const { attachTerminal, attachPipes } = await import('../console/attach.js');
        const console = await client.guests.openSerialConsole(id, { scrollback });
        if (!process.stdin.isTTY || !process.stdout.isTTY) return attachPipes(console);
        const name = labelOf(await client.guests.get(id));
        out.note(`Connected to ${name}. Press Ctrl-] q to quit, Ctrl-] ? for help.`);
        await attachTerminal(console);
        out.note('');
        out.note(`Disconnected from ${name}.`);
      }),
    );
};
