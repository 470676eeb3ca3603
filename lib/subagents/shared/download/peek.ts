type Bytes = AsyncGenerator<Buffer, void, undefined>;

/**
 * Reads the first bytes of a stream without consuming them.
 * @returns at least `length` bytes, or all bytes of a shorter stream; and the whole stream
 */
export const peek = async (bytes: Bytes, length: number): Promise<{ head: Buffer; all: Bytes }> => {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < length) {
    const { value, done } = await bytes.next();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  const head = Buffer.concat(chunks);
  const all = async function* (): Bytes {
    if (head.length > 0) yield head;
    yield* bytes;
  };
  return { head, all: all() };
};
