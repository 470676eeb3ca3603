import tar from 'tar-stream';
import { detectCompression, MAGIC_BYTES, unpack } from '../../shared/download/compression.js';
import { peek } from '../../shared/download/peek.js';

type Bytes = AsyncGenerator<Buffer, void, undefined>;

/** Enough for the first entry's header, with the extended ones that may come before it. */
const HEAD_BYTES = 64 * 1024;

/** What an archive is: an image as `docker save` writes it or of OCI layout, or a root file system. */
export type ArchiveKind = 'image' | 'rootfs';

export interface Archive {
  kind: ArchiveKind;
  /** The tar archive, unpacked. */
  bytes: Bytes;
}

/** First entries of the archives that Docker, Podman, Buildah and Skopeo write. */
const IMAGE_ENTRY =
  /^(\.\/)?((sha256:)?[0-9a-f]{64}([./].*)?|blobs(\/.*)?|oci-layout|index\.json|manifest\.json|repositories)$/;

/** What tar(1) writes first of a directory that it is told to go to and to take all of. */
const ROOT = './';

/** The name of the first entry, of one beside the root where there is one. */
const firstEntry = (head: Buffer): Promise<string | undefined> =>
  new Promise((resolve) => {
    const extract = tar.extract();
    let first: string | undefined;
    extract.on('entry', ({ name }, content, next) => {
      first = name;
      if (name !== ROOT) return resolve(name);
      content.resume();
      next();
    });
    extract.once('error', () => resolve(first));
    extract.once('finish', () => resolve(first));
    extract.end(head);
  });

/**
 * Tells by its content what a file is, plain or packed.
 * @throws when it is no tar archive
 */
export const openArchive = async (file: Bytes): Promise<Archive> => {
  const packed = await peek(file, MAGIC_BYTES);
  const compression = detectCompression(packed.head);
  const unpacked = compression ? unpack(compression)(packed.all) : packed.all;
  const { head, all } = await peek(unpacked, HEAD_BYTES);
  const name = await firstEntry(head);
  if (name === undefined)
    throw new Error(
      'not a tar archive: give what docker save or podman save writes, or one of a root file system',
    );
  return { kind: IMAGE_ENTRY.test(name) ? 'image' : 'rootfs', bytes: all };
};
