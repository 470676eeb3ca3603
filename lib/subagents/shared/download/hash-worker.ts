// Adds blocks to hashes in a thread of its own, and returns each block to be filled again: see `Digester`.
import { createHash } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

const hashes = (workerData as string[]).map((name) => [name, createHash(name)] as const);
const port = parentPort as MessagePort;

/** A block, or `undefined` after the last one. */
port.on('message', (block: Uint8Array<ArrayBuffer> | undefined) => {
  if (!block) {
    port.postMessage(Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')])));
    return;
  }
  for (const [, hash] of hashes) hash.update(block);
  port.postMessage(block.buffer, [block.buffer]);
});
