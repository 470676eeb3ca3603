import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Joi, { type Schema } from 'joi';
import tar, { type Extract, type Pack } from 'tar-stream';
import { describeMistakes } from '../../../model/describe-mistakes.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { DockerManifest } from './docker-manifest.js';

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

const MAX_INDEX_BYTES = 4 * 2 ** 20;

/** The parts of an archive's `manifest.json`: Docker's image specification v1.2. */
const dockerManifests = Joi.array()
  .items(Joi.object<ManifestEntry>({ Config: Joi.string().required() }).unknown())
  .required();

interface ManifestEntry {
  /** The file of the image's configuration, named by its digest: entries that share it are one image. */
  Config: string;
  RepoTags?: string[] | null;
}

/** The parts of an archive's `index.json`: OCI image layout specification. */
const ociIndex = Joi.object<OciIndex>({
  manifests: Joi.array()
    .items(Joi.object({ digest: Joi.string().required(), annotations: Joi.object() }).unknown())
    .required(),
})
  .unknown()
  .required();

interface OciIndex {
  manifests: { digest: string; annotations?: Record<string, string> }[];
}

/** Returns the only image; it may be listed several times, once for each of its names. */
const only = <T>(images: readonly T[], keyOf: (image: T) => string): T => {
  const [image, ...others] = [...new Map(images.map((entry) => [keyOf(entry), entry])).values()];
  if (image === undefined || others.length > 0)
    throw new Refusal(
      'invalid',
      `the archive contains ${image ? others.length + 1 : 0} images: it must contain exactly one`,
    );
  return image;
};

const parseContent = <T>(file: string, schema: Schema<T>, content: unknown): T => {
  const { value, error } = schema.validate(content);
  if (error)
    throw new Refusal('invalid', `the archive is not a container image: ${file}: ${describeMistakes(error)}`);
  return value;
};

const OCI_INDEX = 'index.json';

/** Replaces the image's name in one of the archive's files; returns the new content. */
type Rename = (content: unknown, name: string) => unknown;

const RENAMES: ReadonlyMap<string, Rename> = new Map<string, Rename>([
  [
    'manifest.json',
    (content, name) => {
      const manifests: ManifestEntry[] = parseContent('manifest.json', dockerManifests, content);
      return [{ ...only(manifests, ({ Config }) => Config), RepoTags: [name] }];
    },
  ],
  [
    OCI_INDEX,
    (content, name) => {
      const index: OciIndex = parseContent('index.json', ociIndex, content);
      const manifest = only(index.manifests, ({ digest }) => digest);
      // Podman reads OCI's own key, containerd its own.
      const names = { 'org.opencontainers.image.ref.name': name, 'io.containerd.image.name': name };
      return { ...index, manifests: [{ ...manifest, annotations: { ...manifest.annotations, ...names } }] };
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

const parseJson = (name: string, bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Refusal('invalid', `the archive is not a container image: ${name} is not JSON`);
  }
};

const renameEntry = async (
  entry: Entry,
  pack: Pack,
  rename: (content: unknown) => unknown,
): Promise<unknown> => {
  const { size = 0, name } = entry.header;
  if (size > MAX_INDEX_BYTES)
    throw new Refusal(
      'invalid',
      `${name} in the archive has ${size} bytes, more than the ${MAX_INDEX_BYTES} allowed`,
    );
  const renamed = rename(parseJson(name, await buffer(entry)));
  const text = JSON.stringify(renamed);
  pack.entry({ ...entry.header, size: Buffer.byteLength(text) }, text);
  return renamed;
};

/** @param manifest makes the manifest.json of an archive that has none; without it, none is added */
const copyRenamed = async (
  source: Readable,
  pack: Pack,
  name: string,
  manifest?: DockerManifest,
): Promise<void> => {
  const extract = tar.extract();
  source.once('error', (error) => extract.destroy(error));
  source.pipe(extract);
  const renamed = new Map<string, unknown>();
  for await (const entry of extract) {
    const file = entry.header.name.replace(/^\.\//, '');
    const rename = RENAMES.get(file);
    if (rename) renamed.set(file, await renameEntry(entry, pack, (content) => rename(content, name)));
    else if (file === LEGACY_NAMES) entry.resume();
    else if (manifest?.wants(file, entry.header.size ?? 0)) {
      const content = await buffer(entry);
      manifest.add(file, content);
      pack.entry(entry.header, content);
    } else await copyEntry(entry, pack);
  }
  if (renamed.size === 0)
    throw new Refusal(
      'invalid',
      'the archive is not a container image: it has neither a manifest.json nor an index.json',
    );
  const index = renamed.get(OCI_INDEX) as OciIndex | undefined;
  if (manifest && index && renamed.size === 1) {
    const [image] = index.manifests;
    pack.entry({ name: 'manifest.json' }, JSON.stringify(manifest.make(image?.digest ?? '', name)));
  }
  pack.finalize();
};

/**
 * Renames the image in an archive. The archive's own name could replace an unrelated image of this host.
 * @param forDocker whether to add the manifest.json that Docker's classic store needs, if there is none
 * @returns the archive with the new name
 */
export const renameImage = (source: Readable, name: string, forDocker = false): Readable => {
  const pack = tar.pack();
  copyRenamed(source, pack, name, forDocker ? new DockerManifest() : undefined).catch((error) => {
    pack.destroy(error);
    source.destroy();
  });
  return Readable.from(pack, { objectMode: false });
};
