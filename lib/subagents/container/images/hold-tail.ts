/** Enough for the padding at the end of a tar archive, which an engine does not wait for. */
const HELD_BYTES = 1024 * 1024;

/**
 * Passes on bytes, the last ones only once `check` has accepted all of them, so that an engine never takes a rejected
 * archive for a complete one.
 * @throws the error of `check`
 */
export async function* holdTail(
  bytes: AsyncIterable<Buffer>,
  check: () => void | Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  const held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of bytes) {
    held.push(chunk);
    heldBytes += chunk.length;
    for (let [first] = held; first && heldBytes - first.length >= HELD_BYTES; [first] = held) {
      held.shift();
      heldBytes -= first.length;
      yield first;
    }
  }
  await check();
  yield* held;
}
