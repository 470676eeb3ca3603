import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ifExists } from '../../../files/atomic-files.js';
import type { WarmReady } from '../../../model/warm.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { connectAgent } from '../guests/agent.js';
import type { Entry } from '../guests/entry.js';
import type { Watch } from '../guests/watch.js';

const POLL_MS = 200;
/** The most that is read of what a guest has printed since its start. */
const MAX_SERIAL_BYTES = 4 * 2 ** 20;

export const serialLength = async (entry: Entry): Promise<number> =>
  (await ifExists(stat(entry.paths.serialLog)))?.size ?? 0;

const hasPrinted = async (entry: Entry, words: string, from: number): Promise<boolean> => {
  const length = Math.min((await serialLength(entry)) - from, MAX_SERIAL_BYTES);
  if (length <= 0) return false;
  const file = await open(entry.paths.serialLog, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
    return buffer.subarray(0, bytesRead).includes(words);
  } finally {
    await file.close();
  }
};

const responds = async (entry: Entry, watch: Watch): Promise<boolean> => {
  const agent = await connectAgent(entry, watch);
  agent?.close();
  return agent !== undefined;
};

const describe = (ready: WarmReady): string => {
  if ('agent' in ready) return 'its guest agent did not respond';
  return 'serial' in ready ? `it did not print "${ready.serial}" on its serial console` : 'it was not up';
};

/**
 * Waits until a template that boots says that it is ready.
 * @param printed the length of its serial log at its start
 * @param onPoll may throw, which ends the wait
 * @throws {Refusal} `conflict` when it is not ready in time, or has ended
 */
export const waitUntilReady = async (
  entry: Entry,
  watch: Watch,
  { ready, timeout }: { ready: WarmReady; timeout: number },
  { printed, signal, onPoll }: { printed: number; signal: AbortSignal; onPoll: () => Promise<void> },
): Promise<void> => {
  const begun = performance.now();
  const { commandCount } = entry;
  const passed = (): number => (performance.now() - begun) / 1000;
  const isReady = async (): Promise<boolean> => {
    if ('agent' in ready) return responds(entry, watch);
    return 'serial' in ready ? hasPrinted(entry, ready.serial, printed) : passed() >= ready.seconds;
  };
  while (!(await isReady())) {
    if (entry.watch !== watch) {
      // What ends the wait may have ended the guest: QEMU does not survive a write to its memory on a full disk.
      await onPoll();
      throw new Refusal('conflict', `template ${entry.id} ended before it was ready: see its serial log`);
    }
    if (entry.commandCount !== commandCount)
      throw new Refusal(
        'conflict',
        `template ${entry.id} was powered off, cooled or deleted while it was being warmed`,
      );
    if (passed() > timeout)
      throw new Refusal(
        'conflict',
        `template ${entry.id} was not ready within ${timeout} s: ${describe(ready)}: allow more time, or name another sign of it ("ready")`,
      );
    await onPoll();
    await sleep(POLL_MS, undefined, { signal });
  }
};
