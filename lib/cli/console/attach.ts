import { once } from 'node:events';
import type { Console, TerminalSize } from '../../client/index.js';
import { rawKeys } from '../raw-keys.js';
import { type EscapeCommand, EscapeReader } from './escape.js';

const HELP = `
Ctrl-] q  leave; the guest goes on
Ctrl-] s  type "stty rows … cols …" into the guest: a serial line cannot say how large the terminal is
Ctrl-] Ctrl-]  one Ctrl-] for the guest
`;

const sizeOfTerminal = (): TerminalSize => ({
  columns: process.stdout.columns || 80,
  rows: process.stdout.rows || 24,
});

/**
 * Makes the terminal that of a guest, until the person leaves or the console ends.
 * @throws when it ends otherwise than it should
 */
export const attachTerminal = async ({ bytes, resize }: Required<Console>): Promise<void> => {
  const commands: Record<EscapeCommand, () => void> = {
    leave: () => bytes.destroy(),
    help: () => void process.stderr.write(HELP),
    size: () => {
      const { rows, columns } = sizeOfTerminal();
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
  const tellSize = (): void => void resize(sizeOfTerminal());
  process.stdout.on('resize', tellSize);
  tellSize();
  bytes.pipe(process.stdout, { end: false });
  try {
    await once(bytes, 'close');
  } finally {
    process.stdout.off('resize', tellSize);
    release();
  }
};

/** Types standard input into a guest, and writes what it says to standard output, until the console ends. */
export const attachPipes = async ({ bytes }: Console): Promise<void> => {
  process.stdin.pipe(bytes, { end: false });
  bytes.pipe(process.stdout, { end: false });
  await once(bytes, 'close');
};
