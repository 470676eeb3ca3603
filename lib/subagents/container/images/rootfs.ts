import { once } from 'node:events';
import tar, { type Extract } from 'tar-stream';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { holdTail } from './hold-tail.js';

/** Top-level directories of the Filesystem Hierarchy Standard: a root file system has at least one of each kind. */
const SYSTEM = ['etc', 'usr'];
const PROGRAMS = ['bin', 'sbin', 'usr', 'lib', 'lib64'];

/** The files at the top of an image archive. */
const LAYOUT_FILES = new Set(['oci-layout', 'index.json', 'manifest.json']);

/** The findings from the entry names of an archive. */
class Names {
  readonly #tops = new Set<string>();
  /** The directory with the files of an image, which should be at the top. */
  #layout: string | undefined;

  add(name: string): void {
    const [top = '', file, ...deeper] = name.split('/').filter((part) => part !== '' && part !== '.');
    this.#tops.add(top);
    if (file !== undefined && deeper.length === 0 && LAYOUT_FILES.has(file)) this.#layout ??= top;
  }

  get isRootfs(): boolean {
    const has = (names: string[]): boolean => names.some((name) => this.#tops.has(name));
    return has(SYSTEM) && has(PROGRAMS);
  }

  /** Describes what is wrong with an archive that is no root file system. */
  get problem(): string {
    return this.#layout === undefined
      ? 'the archive is neither a container image nor a root file system: it has no /etc or /usr beside its programs; ' +
          'if it is a root file system all the same, say so with "format": "rootfs"'
      : `the image is in the folder ${this.#layout} of the archive: put its files at the top, with tar -C ${this.#layout}`;
  }
}

const write = async (extract: Extract, chunk: Buffer): Promise<void> => {
  if (extract.write(chunk)) return;
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(extract, 'drain', { signal }), once(extract, 'close', { signal })]);
  settled.abort();
};

/**
 * Passes on the bytes of a tar archive.
 * @throws before the last of them, unless the archive is a root file system by its names
 */
export const requireRootfs = (bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> => {
  const names = new Names();
  const extract = tar.extract();
  extract.on('entry', ({ name }, content, next) => {
    names.add(name);
    content.once('end', next);
    content.resume();
  });
  // The names before an entry that tar-stream cannot read may suffice; the engine reports a damaged archive.
  extract.on('error', () => undefined);
  const read = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of bytes) {
      if (!names.isRootfs && !extract.destroyed) await write(extract, chunk);
      yield chunk;
    }
    extract.destroy();
  };
  return holdTail(read(), () => {
    if (!names.isRootfs) throw new Refusal('invalid', names.problem);
  });
};
