import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import tar, { type Extract, type Pack } from 'tar-stream';
import { Refusal } from '../../../rpc/protocol/refusal.js';

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

const MAX_INDEX_BYTES = 4 * 2 ** 20;

interface DockerManifest {
  RepoTags?: string[] | null;
}

interface OciIndex {
  manifests: { annotations?: Record<string, string> }[];
}

const only = <T>(images: T[]): T => {
  const [image, ...others] = images;
  if (image === undefined || others.length > 0)
    throw new Refusal('invalid', `the archive contains ${images.length} images: it must contain exactly one`);
  return image;
};

/** Sets the name in the files of an archive that hold it. */
const RENAMES: ReadonlyMap<string, (content: unknown, name: string) => void> = new Map([
  [
    'manifest.json',
    (content, name) => {
      only(content as DockerManifest[]).RepoTags = [name];
    },
  ],
  [
    'index.json',
    (content, name) => {
      const manifest = only((content as OciIndex).manifests);
      // Podman reads OCI's own key, containerd its own.
      const names = { 'org.opencontainers.image.ref.name': name, 'io.containerd.image.name': name };
      manifest.annotations = { ...manifest.annotations, ...names };
    },
  ],
]);

/** Dropped: it holds names, too, but every archive of the last ten years also has a manifest.json. */
const LEGACY_NAMES = 'repositories';

const copyEntry = (entry: Entry, pack: Pack): Promise<void> =>
  new Promise((resolve, reject) => {
    const sink = pack.entry(entry.header, (error) => (error ? reject(error) : resolve()));
    entry.once('error', reject);
    sink.once('error', reject);
    entry.pipe(sink);
  });

const renameEntry = async (entry: Entry, pack: Pack, rename: (content: unknown) => void): Promise<void> => {
  const { size = 0, name } = entry.header;
  if (size > MAX_INDEX_BYTES)
    throw new Refusal(
      'invalid',
      `${name} in the archive has ${size} bytes, more than the ${MAX_INDEX_BYTES} allowed`,
    );
  const content: unknown = JSON.parse((await buffer(entry)).toString('utf8'));
  rename(content);
  const text = JSON.stringify(content);
  pack.entry({ ...entry.header, size: Buffer.byteLength(text) }, text);
};

const copyRenamed = async (source: Readable, pack: Pack, name: string): Promise<void> => {
  const extract = tar.extract();
  source.once('error', (error) => extract.destroy(error));
  source.pipe(extract);
  for await (const entry of extract) {
    const file = entry.header.name.replace(/^\.\//, '');
    const rename = RENAMES.get(file);
    if (rename) await renameEntry(entry, pack, (content) => rename(content, name));
    else if (file === LEGACY_NAMES) entry.resume();
    else await copyEntry(entry, pack);
  }
  pack.finalize();
};

/**
 * Renames the image in an archive. The archive's own name could replace an unrelated image of this host.
 * @returns the archive with the new name
 */
export const renameImage = (source: Readable, name: string): Readable => {
  const pack = tar.pack();
  copyRenamed(source, pack, name).catch((error) => {
    pack.destroy(error);
    source.destroy();
  });
  return Readable.from(pack, { objectMode: false });
};
