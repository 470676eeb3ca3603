import tar from 'tar-stream';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { detectCompression, MAGIC_BYTES, unpack } from '../../shared/download/compression.js';
import { peek } from '../../shared/download/peek.js';
import { requireRootfs } from './rootfs.js';

type Bytes = AsyncGenerator<Buffer, void, undefined>;

/** Enough for the first entry's header and the extended headers before it. */
const HEAD_BYTES = 64 * 1024;

/** The kinds of archives: an image in the format of `docker save` or in OCI layout, or a root file system. */
export type ArchiveKind = 'image' | 'rootfs';

export interface Archive {
  kind: ArchiveKind;
  /** The decompressed tar archive. */
  bytes: Bytes;
}

/** The first entries in the image archives of Docker, Podman, Buildah and Skopeo. */
const IMAGE_ENTRY =
  /^(\.\/)?((sha256:)?[0-9a-f]{64}([./].*)?|blobs(\/.*)?|oci-layout|index\.json|manifest\.json|repositories)$/;

/** The first entry of `tar -C DIRECTORY .`. */
const ROOT = './';

/** Finds the name of the first entry after the root directory, or else of the root directory. */
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
 * Opens a plain or compressed tar archive and detects its kind by its content.
 * @param isRootfs whether the caller says that it is a root file system
 * @throws when the file is not a tar archive; its bytes reject at their end when it is neither kind
 */
export const openArchive = async (file: Bytes, isRootfs = false): Promise<Archive> => {
  const packed = await peek(file, MAGIC_BYTES);
  const compression = detectCompression(packed.head);
  const unpacked = compression ? unpack(compression)(packed.all) : packed.all;
  const { head, all } = await peek(unpacked, HEAD_BYTES);
  const name = await firstEntry(head);
  if (name === undefined)
    throw new Refusal(
      'invalid',
      'the file is not a tar archive: give one from docker save or podman save, or one of a root file system',
    );
  if (isRootfs) return { kind: 'rootfs', bytes: all };
  return IMAGE_ENTRY.test(name)
    ? { kind: 'image', bytes: all }
    : { kind: 'rootfs', bytes: requireRootfs(all) };
};
