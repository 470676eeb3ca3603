/** Ctrl-], as in telnet and virsh. */
export const ESCAPE_BYTE = 0x1d;

/** The commands of the keys after Ctrl-]. */
export type EscapeCommand = 'quit' | 'size' | 'help';

const COMMANDS: Record<string, EscapeCommand> = { q: 'quit', '.': 'quit', s: 'size', '?': 'help' };

/** Separates escape commands from the bytes for the guest. */
export class EscapeReader {
  #escaped = false;

  /** Returns bytes and commands in the order typed. Ctrl-] twice is one Ctrl-] for the guest. */
  read(typed: Buffer): (Buffer | EscapeCommand)[] {
    const parts: (Buffer | EscapeCommand)[] = [];
    let start = 0;
    const flush = (to: number): void => {
      if (to > start) parts.push(typed.subarray(start, to));
    };
    for (const [index, byte] of typed.entries()) {
      if (!this.#escaped && byte !== ESCAPE_BYTE) continue;
      if (!this.#escaped) flush(index);
      else if (byte === ESCAPE_BYTE) parts.push(Buffer.of(ESCAPE_BYTE));
      else parts.push(COMMANDS[String.fromCharCode(byte)] ?? 'help');
      this.#escaped = !this.#escaped;
      start = index + 1;
    }
    flush(typed.length);
    return parts;
  }
}
