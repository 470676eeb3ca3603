import { once } from 'node:events';
import type { Console, OpenedConsole, TerminalSize } from '../../client/index.js';
import { rawKeys } from '../raw-keys.js';
import { type EscapeCommand, EscapeReader } from './escape.js';

const HELP = `
Ctrl-] q       quit; the guest keeps running
Ctrl-] s       type "stty rows … cols …" into the guest: a serial line does not transmit the terminal's size
Ctrl-] Ctrl-]  send one Ctrl-] to the guest
`;

/** The size of the terminal of this process. */
export const terminalSize = (): TerminalSize => ({
  columns: process.stdout.columns || 80,
  rows: process.stdout.rows || 24,
});

/**
 * Connects the terminal to a console until the user quits or the console ends.
 * @throws the console's error, if it ends with one
 */
export const attachTerminal = async ({ bytes, resize }: OpenedConsole): Promise<void> => {
  const commands: Record<EscapeCommand, () => void> = {
    quit: () => bytes.destroy(),
    help: () => void process.stderr.write(HELP),
    size: () => {
      const { rows, columns } = terminalSize();
      bytes.write(`stty rows ${rows} cols ${columns}\r`);
    },
  };
  const escapes = new EscapeReader();
  const release = rawKeys((typed) => {
    for (const part of escapes.read(typed)) {
      if (typeof part === 'string') commands[part]();
      else bytes.write(part);
    }
  });
  const sendSize = (): void => void resize(terminalSize());
  process.stdout.on('resize', sendSize);
  sendSize();
  bytes.pipe(process.stdout, { end: false });
  try {
    await once(bytes, 'close');
  } finally {
    process.stdout.off('resize', sendSize);
    release();
  }
};

/** Connects standard input and output to a console until the console ends. */
export const attachPipes = async ({ bytes }: Console): Promise<void> => {
  process.stdin.pipe(bytes, { end: false });
  bytes.pipe(process.stdout, { end: false });
  await once(bytes, 'close');
};
