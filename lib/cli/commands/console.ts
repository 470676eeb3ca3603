import { type Command, InvalidArgumentError } from 'commander';
import { MAX_SCROLLBACK_BYTES } from '../../http/websocket/console.js';
import { shortId } from '../../portable/format.js';
import { guestId, nameOf } from '../names.js';
import { talking } from '../session.js';

const parseScrollback = (text: string): number => {
  const bytes = Number(text);
  if (/^\d+$/.test(text) && bytes <= MAX_SCROLLBACK_BYTES) return bytes;
  throw new InvalidArgumentError(`give bytes, 0 to ${MAX_SCROLLBACK_BYTES}`);
};

export const addConsoleCommand = (program: Command): void => {
  program
    .command('console <guest>')
    .description("a guest's serial console, or a shell in a container, in this terminal")
    .option('--scrollback <bytes>', 'how much of what the guest said before to show', parseScrollback)
    .addHelpText(
      'after',
      `
Leave with Ctrl-] q; Ctrl-] ? shows the other keys. A guest that is off is waited for: start it, and watch it boot.
Without a terminal, standard input is typed into the guest, and what it says goes to standard output.

Examples:
  mistify console web
  mistify console web --scrollback 100000`,
    )
    .action(
      talking(async ({ client, out }, text: string, { scrollback }: { scrollback?: number }) => {
        const id = await guestId(client, text);
        const { attachTerminal, attachPipes } = await import('../console/attach.js');
        const console = await client.guests.openSerialConsole(id, { scrollback });
        if (!process.stdin.isTTY || !process.stdout.isTTY) return attachPipes(console);
        const name = nameOf(await client.guests.get(id)) ?? shortId(id);
        out.note(`Connected with ${name}. Leave with Ctrl-] q; Ctrl-] ? for more.`);
        await attachTerminal(console);
        out.note('');
        out.note(`Left ${name}.`);
      }),
    );
};
