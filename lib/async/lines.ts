import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;

/**
 * Splits a stream into lines of UTF-8 at `\n` alone: JSON strings may contain every other separator. Bytes after the
 * last `\n` are dropped.
 * @throws {RangeError} when a line has more than `maxBytes` bytes
 */
export async function* readLines(stream: Readable, maxBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    parts.push(part);
    length += part.length;
    if (length > maxBytes) throw new RangeError(`a line is longer than ${maxBytes} bytes`);
  };
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      add(bytes.subarray(start, end));
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      start = end + 1;
    }
    if (start < bytes.length) add(bytes.subarray(start));
  }
}
