import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar, { type Pack } from 'tar-stream';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import { SUMS_NAME } from '../../../model/guest-export.js';

/** A file of an archive. */
export interface ArchiveEntry {
  name: string;
  /** Bytes. */
  size: number;
  bytes: AsyncIterable<Buffer>;
}

/** Calculates sums in a form for the end of an archive. */
export class ArchiveSums {
  readonly #lines: string[] = [];
  readonly #format: (name: string, sum: string) => string;

  /** @param format formats a line of the file of sums, without its line feed */
  constructor(format: (name: string, sum: string) => string) {
    this.#format = format;
  }

  /** Passes a file's bytes on, and remembers their sum. */
  async *through({ name, bytes }: ArchiveEntry): AsyncGenerator<Buffer, void, undefined> {
    const hash = createHash('sha256');
    for await (const chunk of bytes) {
      hash.update(chunk);
      yield chunk;
    }
    this.#lines.push(this.#format(name, hash.digest('hex')));
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** As sha256sum(1) writes them. */
export const plainSums = (): ArchiveSums => new ArchiveSums((name, sum) => `${sum}  ${name}`);

async function* once(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield content;
}

/** Makes an entry of a small file. */
export const smallEntry = (name: string, content: Buffer | string): ArchiveEntry => {
  const bytes = Buffer.from(content);
  return { name, size: bytes.length, bytes: once(bytes) };
};

const add = async (archive: Pack, { name, size, bytes }: ArchiveEntry): Promise<void> => {
  const entry = archive.entry({ name, size, mode: 0o600, mtime: new Date() });
  await pipeline(Readable.from(bytes, { objectMode: false }), entry);
};

/**
 * Packs files into a tar archive, one after the other, with a file of their sums at the end. An archive without it is not
 * complete.
 * @returns the archive, and what settles once no entry is read any longer
 */
export const packArchive = (
  entries: AsyncIterable<ArchiveEntry>,
  sums: ArchiveSums,
  sumsName = SUMS_NAME,
): { archive: Readable; done: Promise<void> } => {
  const archive = tar.pack();
  const out = new PassThrough({ highWaterMark: STREAM_BUFFER_BYTES });
  const feed = async (): Promise<void> => {
    for await (const entry of entries) await add(archive, { ...entry, bytes: sums.through(entry) });
    await add(archive, smallEntry(sumsName, sums.text()));
    archive.finalize();
  };
  const fed = feed().catch((error: Error) => void archive.destroy(error));
  // A failure shows on the archive as its reader sees it.
  const written = pipeline(archive, out).catch(() => {});
  return { archive: out, done: Promise.all([fed, written]).then(() => {}) };
};
