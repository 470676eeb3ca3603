import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/**
 * Sends all bytes of a source to a program's standard input. When the source fails, the input stays open until the program
 * has ended: the program would take its end for the end of the source.
 * @param stop ends the program
 * @returns why the source failed; `undefined` when it was sent, or the program has stopped reading
 */
export const sendInput = async (source: Readable, input: Writable, stop: () => void): Promise<unknown> => {
  // The program's own error says why it reads no more.
  input.on('error', () => source.destroy());
  try {
    for await (const chunk of source) if (!input.write(chunk)) await once(input, 'drain');
  } catch (error) {
    if (input.destroyed) return undefined;
    stop();
    return error;
  }
  if (!input.destroyed) input.end();
  return undefined;
};
