import type { Duplex } from 'node:stream';

/** The subprotocol of consoles. Binary messages are the console's bytes, text messages are JSON about the terminal. */
export const CONSOLE_PROTOCOL = 'mistify.console';

/** The most bytes of earlier output that a client can ask for. */
export const MAX_SCROLLBACK_BYTES = 1024 * 1024;

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** A guest's console: its bytes in both directions. */
export interface Console {
  bytes: Duplex;
  /** Sets the size of the terminal. Serial lines have none. */
  resize?: (size: TerminalSize) => Promise<void> | void;
  /** Whether text messages are no matter of the terminal, and go to `bytes` as strings. */
  takesText?: true;
}

/** Encodes the text message that sets the size of the terminal. */
export const resizeMessage = (size: TerminalSize): string => JSON.stringify({ resize: size });
