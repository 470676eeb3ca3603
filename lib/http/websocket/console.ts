import type { Duplex } from 'node:stream';

/** What both sides call it in the handshake: binary messages are bytes, text is JSON about the terminal. */
export const CONSOLE_PROTOCOL = 'mistify.console';

/** How much of what was said before can be had. */
export const MAX_SCROLLBACK_BYTES = 1024 * 1024;

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** A guest's console: its bytes in both directions. */
export interface Console {
  bytes: Duplex;
  /** Tells how large the terminal is; absent where nobody can be told, as on a serial line. */
  resize?: (size: TerminalSize) => Promise<void> | void;
}

/** What a client sends to tell how large its terminal is. */
export const resizeMessage = (size: TerminalSize): string => JSON.stringify({ resize: size });
