import { Refusal } from '../../../rpc/protocol/refusal.js';
import { isTar, TAR_HEADER_BYTES } from './tar.js';

/** A file in a tar archive. Read its bytes before the next entry; what is left of them is skipped. */
export interface TarEntry {
  name: string;
  /** Bytes. */
  size: number;
  bytes: AsyncGenerator<Buffer, void, undefined>;
}

/** More than the names and attributes of any sound file take, in bytes: they are kept in memory. */
const MAX_ATTRIBUTES_BYTES = 64 * 1024;

/** Fields of a header: POSIX, pax, "ustar Interchange Format". */
const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;
const TYPE = 156;
const MAGIC = [257, 262] as const;
const PREFIX = [345, 500] as const;

/** The flag of a size as a binary number: GNU tar's manual, "Basic Tar Format". */
const BINARY = 0x80;

const FILE_TYPES = ['0', '\0', '7'];
const DIRECTORY = '5';
const LONG_NAME = 'L';
const ATTRIBUTES = 'x';
const ATTRIBUTES_OF_ALL = 'g';

const textIn = (header: Buffer, [start, end]: readonly [number, number]): string =>
  header.toString('utf8', start, end).split('\0', 1)[0] ?? '';

const sizeIn = (header: Buffer): number => {
  const [start, end] = SIZE;
  if (((header[start] ?? 0) & BINARY) !== 0) return Number(header.readBigUInt64BE(end - 8));
  return Number.parseInt(textIn(header, SIZE).trim() || '0', 8);
};

const nameIn = (header: Buffer): string => {
  const prefix = textIn(header, MAGIC) === 'ustar' ? textIn(header, PREFIX) : '';
  return `${prefix === '' ? '' : `${prefix}/`}${textIn(header, NAME)}`;
};

const incomplete = (): Refusal =>
  new Refusal('invalid', 'the file is incomplete: the archive in it breaks off');

/** Reads a stream in pieces of given lengths. */
class Pieces {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Buffer>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** Yields the next `length` bytes. @throws {Refusal} when there are fewer */
  async *next(length: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = length; left > 0; ) {
      if (this.#held.length === 0 && !(await this.#fill())) throw incomplete();
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.next(length)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.next(length));
  }

  async isAtEnd(): Promise<boolean> {
    return this.#held.length === 0 && !(await this.#fill());
  }

  /** Reads what is left. */
  async drain(): Promise<void> {
    while (await this.#fill());
  }

  async #fill(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    this.#held = done ? Buffer.alloc(0) : value;
    return !done;
  }
}

/** Reads the attributes `LENGTH KEY=VALUE\n` of the next file: POSIX, pax, "pax Extended Header". */
const parseAttributes = (text: string): Map<string, string> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^\d+ ([^=]+)=(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value] as const];
    }),
  );

const paddingOf = (size: number): number => (TAR_HEADER_BYTES - (size % TAR_HEADER_BYTES)) % TAR_HEADER_BYTES;

const requireSize = (size: number): number => {
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw new Refusal('invalid', 'the archive is damaged: a file in it has no size');
};

/** What special entries say about the next file. */
interface Announced {
  name?: string | undefined;
  size?: number | undefined;
}

const readSpecial = async (pieces: Pieces, type: string, size: number): Promise<Announced> => {
  if (size > MAX_ATTRIBUTES_BYTES)
    throw new Refusal('invalid', `the archive has ${size} bytes of attributes of one file`);
  const text = (await pieces.take(size)).toString('utf8');
  await pieces.skip(paddingOf(size));
  if (type === LONG_NAME) return { name: text.split('\0', 1)[0] };
  if (type === ATTRIBUTES_OF_ALL) return {};
  const attributes = parseAttributes(text);
  const length = attributes.get('size');
  return { name: attributes.get('path'), size: length === undefined ? undefined : Number(length) };
};

const SPECIAL = [ATTRIBUTES, ATTRIBUTES_OF_ALL, LONG_NAME];

/** Reads the next header; `undefined` at the end of the archive, whose mark some writers leave out. */
const readHeader = async (pieces: Pieces): Promise<Buffer | undefined> => {
  if (await pieces.isAtEnd()) return undefined;
  const header = await pieces.take(TAR_HEADER_BYTES);
  if (header.every((byte) => byte === 0)) {
    await pieces.drain();
    return undefined;
  }
  if (!isTar(header)) throw new Refusal('invalid', 'the file is damaged, or no tar archive');
  return header;
};

const typeIn = (header: Buffer): string => String.fromCharCode(header[TYPE] ?? 0);

/** Reads what the archive says about its next file, and that file's header. */
const readDescription = async (
  pieces: Pieces,
): Promise<{ header: Buffer; announced: Announced } | undefined> => {
  const announced: Announced = {};
  for (;;) {
    const header = await readHeader(pieces);
    if (!header) return undefined;
    if (!SPECIAL.includes(typeIn(header))) return { header, announced };
    const more = await readSpecial(pieces, typeIn(header), requireSize(sizeIn(header)));
    announced.name = more.name ?? announced.name;
    announced.size = more.size ?? announced.size;
  }
};

/**
 * Reads the files of a tar archive as they arrive, at constant memory: tar-stream keeps the attributes of a file in
 * memory, however many the archive claims.
 * @throws {Refusal} for an archive that is damaged, or has anything but files and directories
 */
export async function* tarEntries(bytes: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, undefined> {
  const pieces = new Pieces(bytes);
  for (;;) {
    const found = await readDescription(pieces);
    if (!found) return;
    const { header, announced } = found;
    const name = announced.name ?? nameIn(header);
    const size = requireSize(announced.size ?? sizeIn(header));
    if (typeIn(header) === DIRECTORY && size === 0) continue;
    if (!FILE_TYPES.includes(typeIn(header)))
      throw new Refusal('invalid', `the archive has something other than files: ${name.slice(0, 200)}`);
    const content = pieces.next(size);
    yield { name, size, bytes: content };
    for await (const _ of content);
    await pieces.skip(paddingOf(size));
  }
}
