import Joi from 'joi';
import { describeMistakes } from '../../../model/describe-mistakes.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';

/** The blobs with the descriptions of an image are smaller than this; larger ones are layers. */
const MAX_DESCRIPTION_BYTES = 2 ** 20;
const MAX_DESCRIPTIONS_BYTES = 16 * 2 ** 20;

const BLOB = /^blobs\/sha256\/[0-9a-f]{64}$/;

const descriptor = Joi.object({
  digest: Joi.string()
    .pattern(/^sha256:[0-9a-f]{64}$/)
    .required(),
})
  .unknown()
  .required();

interface Platform {
  os?: string;
  architecture?: string;
}

/** The parts in use here of a manifest, or of an index of them by platform: OCI image specification. */
interface Description {
  config?: { digest: string };
  layers?: { digest: string }[];
  manifests?: { digest: string; platform?: Platform }[];
}

const descriptionSchema = Joi.object<Description>({
  config: descriptor.optional(),
  layers: Joi.array().items(descriptor),
  manifests: Joi.array().items(descriptor),
})
  .unknown()
  .or('config', 'manifests')
  .with('config', 'layers');

/** Go's names of the architectures that Node.js names differently. */
const ARCHITECTURES: Readonly<Partial<Record<string, string>>> = { x64: 'amd64', ia32: '386' };
const ARCHITECTURE = ARCHITECTURES[process.arch] ?? process.arch;

const refuse = (why: string): never => {
  throw new Refusal('invalid', `the archive is not a container image: ${why}`);
};

const pathOf = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** Finds the digest of this host's image among those of several platforms. */
const ownOf = (manifests: NonNullable<Description['manifests']>): string => {
  const own = manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === ARCHITECTURE,
  );
  return own?.digest ?? refuse(`it has none for linux/${ARCHITECTURE}`);
};

/**
 * Makes the `manifest.json` of Docker's image format from an image in OCI layout, whose layers both formats share.
 * Docker's classic store loads no archive without one.
 */
export class DockerManifest {
  readonly #descriptions = new Map<string, string>();
  #bytes = 0;

  /** Whether a file of the archive may be needed. */
  wants(file: string, size: number): boolean {
    return BLOB.test(file) && size <= MAX_DESCRIPTION_BYTES && this.#bytes + size <= MAX_DESCRIPTIONS_BYTES;
  }

  add(file: string, content: Buffer): void {
    if (content.at(0) !== '{'.charCodeAt(0)) return;
    this.#bytes += content.length;
    this.#descriptions.set(file, content.toString('utf8'));
  }

  /**
   * @param digest that of the image's manifest, or of an index of manifests
   * @throws {Refusal} when the archive lacks them, or has no image for this host
   */
  make(digest: string, name: string): object[] {
    const { manifests, ...described } = this.#read(digest);
    const { config, layers = [] } = manifests ? this.#read(ownOf(manifests)) : described;
    if (!config) return refuse('its index names an index');
    const Layers = layers.map((layer) => pathOf(layer.digest));
    return [{ Config: pathOf(config.digest), RepoTags: [name], Layers }];
  }

  #read(digest: string): Description {
    const path = pathOf(digest);
    let content: unknown;
    try {
      content = JSON.parse(this.#descriptions.get(path) ?? '');
    } catch {
      return refuse(`it lacks ${path}, or it is not JSON`);
    }
    const { value, error } = descriptionSchema.validate(content);
    return error ? refuse(`${path}: ${describeMistakes(error)}`) : value;
  }
}
