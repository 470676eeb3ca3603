import { Transform, type TransformCallback } from 'node:stream';

/** A client sends its version, such as `RFB 003.008\n`, then one byte for the security type, then ClientInit. */
const VERSION_BYTES = 12;
const MINOR = { start: 8, end: 11 };
/** Clients of these versions of RFB choose no security type; QEMU takes 3.4 and 3.5 for 3.3. */
const WITHOUT_CHOICE: ReadonlySet<string> = new Set(['003', '004', '005']);
const SHARED = 1;

/**
 * Passes on what a VNC client sends, and lets a client that asks for exclusive access share the screen: the shared-flag
 * of ClientInit, RFC 6143, 7.3.1. With `force-shared`, QEMU closes the connection of that client without a word.
 */
export class SharedClient extends Transform {
  #start = Buffer.alloc(0);
  #isDone = false;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    done(null, this.#isDone ? chunk : this.#share(chunk));
  }

  #share(chunk: Buffer): Buffer {
    const before = this.#start.length;
    this.#start = Buffer.concat([this.#start, chunk]);
    if (this.#start.length <= VERSION_BYTES) return chunk;
    const minor = this.#start.toString('latin1', MINOR.start, MINOR.end);
    const flag = VERSION_BYTES + (WITHOUT_CHOICE.has(minor) ? 0 : 1);
    if (this.#start.length <= flag) return chunk;
    this.#isDone = true;
    this.#start[flag] = SHARED;
    return this.#start.subarray(before);
  }
}
