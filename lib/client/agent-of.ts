import { Readable } from 'node:stream';
import type { GuestAgentInfo } from '../model/guest-agent.js';
import type { ClockChange, FileWritten, PasswordChange, SshKeys, Trim } from '../model/in-guest.js';
import { path } from './path.js';
import type { ApiRequest, CallOptions, Download, Transport } from './transport.js';

/** The most that one request writes. */
const PIECE_BYTES = 1024 * 1024;
/** A guest may take so long to trim its file systems. */
const TRIM_SECONDS = 600;

export interface WriteFileOptions extends CallOptions {
  /** The permissions in octal; by default `0644` for a new file, and its own for another. */
  mode?: string | undefined;
  /** Called after each piece, with the bytes that are written. */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** Cuts bytes into pieces of one size; the last one may be shorter. Yields an empty piece when there are no bytes. */
async function* piecesOf(content: Readable): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  let isFirst = true;
  for await (const chunk of content) {
    held = Buffer.concat([held, Buffer.from(chunk)]);
    while (held.length >= PIECE_BYTES) {
      yield held.subarray(0, PIECE_BYTES);
      isFirst = false;
      held = held.subarray(PIECE_BYTES);
    }
  }
  if (isFirst || held.length > 0) yield held;
}

/** The guest agent of a virtual machine. */
export class AgentOf {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #filesPath: string;

  constructor(transport: Transport, guestId: string) {
    this.#transport = transport;
    this.#path = path`/guests/${guestId}/agent`;
    this.#filesPath = path`/guests/${guestId}/files`;
  }

  /** Returns what it says about the guest. */
  info(options?: CallOptions): Promise<GuestAgentInfo> {
    return this.#transport.get(this.#path, {}, options);
  }

  /** Streams the bytes of a file. */
  readFile(file: string, options: CallOptions = {}): Promise<Download> {
    return this.#transport.download({
      ...{ method: 'GET', path: this.#filesPath, query: { path: file } },
      ...options,
    });
  }

  /**
   * Writes a file, in pieces of 1 MiB. A file whose writing fails is left incomplete.
   * @returns its size in bytes
   */
  async writeFile(
    file: string,
    content: Readable | Buffer | string,
    { mode, onProgress, signal }: WriteFileOptions = {},
  ): Promise<FileWritten> {
    const bytes =
      content instanceof Readable ? content : Readable.from([Buffer.from(content)], { objectMode: false });
    let size = 0;
    for await (const piece of piecesOf(bytes)) {
      const query = { path: file, ...(size === 0 ? { mode } : { offset: size }) };
      const written = await this.#send<FileWritten>({
        ...{ method: 'PUT', path: this.#filesPath, query, body: piece, signal },
        headers: { 'Content-Type': 'application/octet-stream' },
      });
      size = written.size;
      onProgress?.(size);
    }
    return { size };
  }

  async setPassword(change: PasswordChange, options: CallOptions = {}): Promise<void> {
    await this.#send({ ...this.#post('password'), body: change, ...options });
  }

  async addSshKeys(keys: SshKeys, options: CallOptions = {}): Promise<void> {
    await this.#send({ ...this.#post('ssh-keys'), body: keys, ...options });
  }

  /** Lets the guest give back the blocks that its file systems do not use, which may take minutes. */
  trim(options: CallOptions = {}): Promise<Trim> {
    return this.#send({ ...this.#post('trim'), waitSeconds: TRIM_SECONDS, ...options });
  }

  /** Sets the guest's clock to that of the host. */
  setClock(options: CallOptions = {}): Promise<ClockChange> {
    return this.#send({ ...this.#post('clock'), ...options });
  }

  #post(name: string): Pick<ApiRequest, 'method' | 'path'> {
    return { method: 'POST', path: `${this.#path}/${name}` };
  }

  async #send<Body>(request: ApiRequest): Promise<Body> {
    return (await this.#transport.send<Body>({ ...request, once: true })).body;
  }
}
