/** What precedes each piece of output: its stream, three zeros and its length in bytes. `ContainerAttach` describes it. */
const HEADER_BYTES = 8;
const LENGTH_AT = 4;

/** A piece of output. */
export interface Piece {
  /** 1 for standard output, 2 for standard error. */
  stream: number;
  bytes: Buffer;
}

/** Takes the frames apart in which engines send the two outputs of a program. */
export class FrameReader {
  #header = Buffer.alloc(0);
  #stream = 0;
  #left = 0;

  /** @param chunk the next bytes, which may end within a frame, or within its header */
  read(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#left === 0) {
        const part = chunk.subarray(at, at + HEADER_BYTES - this.#header.length);
        this.#header = Buffer.concat([this.#header, part]);
        at += part.length;
        if (this.#header.length < HEADER_BYTES) break;
        this.#stream = this.#header.readUInt8(0);
        this.#left = this.#header.readUInt32BE(LENGTH_AT);
        this.#header = Buffer.alloc(0);
      }
      const bytes = chunk.subarray(at, at + this.#left);
      if (bytes.length > 0) pieces.push({ stream: this.#stream, bytes });
      at += bytes.length;
      this.#left -= bytes.length;
    }
    return pieces;
  }
}
