import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { errorMessage } from '../../../errors.js';
import { ifExists, replaceFile } from '../../../files/atomic-files.js';
import { SparseWriter } from '../../../files/sparse-file.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { Logger } from '../../../log.js';
import type { ImageUpload, UploadPiece } from '../../../model/image-upload.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Space } from '../../shared/disk/space.js';
import { notFound } from '../../shared/errors.js';

/** How long an upload waits for more bytes. */
const EXPIRES_MS = 24 * 60 * 60_000;
const SWEEP_MS = 60 * 60_000;

const BYTES = '.part';
const RECORD = '.json';

/** What is known of an upload before its bytes. */
type UploadRecord = Pick<ImageUpload, 'id' | 'size'>;

const busy = (id: string): Refusal =>
  new Refusal('conflict', `image ${id} is being uploaded or checked: wait until that has ended`);

/** Names the files of an upload: an id may be longer than a file name. */
const nameOf = (id: string): string => createHash('sha256').update(id).digest('hex');

export interface UploadsOptions {
  /** A directory on the store's own file system, for these files alone. */
  dir: string;
  space: Space;
  log: Logger;
}

/** The files of images that clients send in pieces, until they are complete and have become images. */
export class Uploads {
  readonly #options: UploadsOptions;
  /** The uploads that a request writes to or reads. */
  readonly #busy = new Set<string>();
  /** The complete uploads that become images. */
  readonly #consumed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  get dir(): string {
    return this.#options.dir;
  }

  /** Creates the directory and removes expired uploads, now and every hour. */
  async open(): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    await this.#sweep();
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  pathOf(id: string): string {
    return join(this.dir, nameOf(id) + BYTES);
  }

  async find(id: string): Promise<ImageUpload | undefined> {
    const [record, stats] = [await this.#read(id), await ifExists(stat(this.pathOf(id)))];
    if (!record || !stats) return undefined;
    const expires = new Date(stats.mtimeMs + EXPIRES_MS).toISOString();
    return { ...record, received: Math.min(stats.size, record.size), expires };
  }

  /** @throws {Refusal} `not_found` */
  async get(id: string): Promise<ImageUpload> {
    const found = await this.find(id);
    if (!found) throw notFound(`upload of image ${id}`);
    return found;
  }

  /**
   * Appends a piece to an upload. The first piece begins a new one. What arrives of a piece that breaks off is kept.
   * @throws {Refusal} `conflict` for a piece that does not follow what is there; `no_space` when the rest does not fit
   */
  async receive(id: string, piece: UploadPiece, bytes: Readable): Promise<ImageUpload> {
    return this.#exclusively(id, async () => {
      const { offset, size } = piece;
      const before = offset === 0 ? undefined : await this.#requireNext(id, piece);
      const claim = this.#options.space.claim();
      try {
        await claim.require(size - offset);
        if (!before) await replaceFile(join(this.dir, nameOf(id) + RECORD), stateText({ id, size }));
        await this.#append(id, piece, bytes);
      } finally {
        claim.release();
      }
      return this.get(id);
    });
  }

  /**
   * Runs `work` on a complete upload, which is removed once it is an image, or can never be one.
   * @throws {Refusal} `conflict` for one that is not complete
   */
  async consume<T>(id: string, work: () => Promise<T>): Promise<T> {
    // The repeated call of a restarted agent joins the work in progress.
    if (this.#consumed.has(id)) return work();
    return this.#exclusively(id, async () => {
      const { received, size } = await this.get(id);
      if (received < size)
        throw new Refusal(
          'conflict',
          `the upload of image ${id} has ${received} of ${size} bytes: send the rest`,
        );
      this.#consumed.add(id);
      try {
        const result = await work();
        await this.#remove(id);
        return result;
      } catch (error) {
        if (error instanceof Refusal && error.kind === 'invalid') await this.#remove(id);
        throw error;
      } finally {
        this.#consumed.delete(id);
      }
    });
  }

  /** @throws {Refusal} `not_found` */
  async remove(id: string): Promise<ImageUpload> {
    return this.#exclusively(id, async () => {
      const upload = await this.get(id);
      await this.#remove(id);
      return upload;
    });
  }

  /** @throws {Refusal} `conflict` while another request uses the upload */
  async #exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) throw busy(id);
    this.#busy.add(id);
    try {
      return await work();
    } finally {
      this.#busy.delete(id);
    }
  }

  async #requireNext(id: string, { offset, size }: UploadPiece): Promise<ImageUpload> {
    const upload = await this.get(id);
    if (upload.size !== size)
      throw new Refusal(
        'conflict',
        `the upload of image ${id} has ${upload.size} bytes in all, not ${size}: begin again at byte 0`,
      );
    if (upload.received === offset) return upload;
    throw new Refusal(
      'conflict',
      `the upload of image ${id} has ${upload.received} bytes: continue there, or begin again at byte 0`,
    );
  }

  async #append(id: string, { offset, size }: UploadPiece, bytes: Readable): Promise<void> {
    const file = await open(this.pathOf(id), offset === 0 ? 'w' : 'r+', 0o600);
    const writer = new SparseWriter(file, offset);
    let position = offset;
    try {
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        if (position + chunk.length > size)
          throw new Refusal('invalid', `image ${id}: more bytes than the ${size} that were announced`);
        await writer.write(chunk);
        position += chunk.length;
      }
    } finally {
      // Whatever is counted as received is on the device.
      await writer
        .end()
        .then(() => file.sync())
        .finally(() => file.close());
    }
  }

  async #read(id: string): Promise<UploadRecord | undefined> {
    return readStateFile<UploadRecord>(join(this.dir, nameOf(id) + RECORD));
  }

  async #remove(id: string): Promise<void> {
    for (const suffix of [BYTES, RECORD]) await rm(join(this.dir, nameOf(id) + suffix), { force: true });
  }

  async #sweep(): Promise<void> {
    const { log } = this.#options;
    try {
      const busyNames = new Set([...this.#busy].map(nameOf));
      for (const name of await readdir(this.dir)) {
        const [own = ''] = name.split('.');
        const stats = await ifExists(stat(join(this.dir, own + BYTES)));
        const isOver = !stats || stats.mtimeMs + EXPIRES_MS < Date.now();
        if (isOver && !busyNames.has(own)) await rm(join(this.dir, name), { force: true });
      }
    } catch (error) {
      log.warn(`expired uploads of images not removed, retrying: ${errorMessage(error)}`);
    }
  }
}
