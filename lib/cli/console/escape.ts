/** Ctrl-], as telnet and virsh have it. */
export const ESCAPE_BYTE = 0x1d;

/** What a person asks for with a key after Ctrl-]. */
export type EscapeCommand = 'leave' | 'size' | 'help';

const COMMANDS: Record<string, EscapeCommand> = { q: 'leave', '.': 'leave', s: 'size', '?': 'help' };

/** Tells what is typed for the guest from what is typed for us. */
export class EscapeReader {
  #escaped = false;

  /** @returns in the order in which they were typed; Ctrl-] twice is one for the guest */
  read(typed: Buffer): (Buffer | EscapeCommand)[] {
    const parts: (Buffer | EscapeCommand)[] = [];
    let from = 0;
    const flush = (to: number): void => {
      if (to > from) parts.push(typed.subarray(from, to));
    };
    for (const [index, byte] of typed.entries()) {
      if (!this.#escaped && byte !== ESCAPE_BYTE) continue;
      if (!this.#escaped) flush(index);
      else if (byte === ESCAPE_BYTE) parts.push(Buffer.of(ESCAPE_BYTE));
      else parts.push(COMMANDS[String.fromCharCode(byte)] ?? 'help');
      this.#escaped = !this.#escaped;
      from = index + 1;
    }
    flush(typed.length);
    return parts;
  }
}
