import type { Socket } from 'node:net';

/** Reads a socket in pieces of the sizes that a protocol asks for. */
export class SocketBytes {
  readonly #socket: Socket;
  #ended: Error | undefined;
  #wake = (): void => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    const end = (reason: string): void => {
      this.#ended ??= new Error(reason);
      this.#wake();
    };
    socket.on('readable', () => this.#wake());
    socket.on('error', ({ message }) => end(message));
    socket.on('close', () => end('the server closed the connection'));
    socket.on('end', () => end('the server closed the connection'));
  }

  /**
   * Waits for the next `size` bytes.
   * @throws when the connection ends before
   */
  async read(size: number): Promise<Buffer> {
    if (size === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes: Buffer | null = this.#socket.read(size);
      if (bytes?.length === size) return bytes;
      if (this.#ended) throw this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
