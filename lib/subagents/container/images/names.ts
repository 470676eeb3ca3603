/** How names of images are to be read: https://github.com/distribution/reference */
const DEFAULT_DOMAIN = 'docker.io';
const DEFAULT_NAMESPACE = 'library';
const DEFAULT_TAG = 'latest';

const PATH = /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;

export interface ImageName {
  /** With the registry, `docker.io/library/busybox`. */
  repository: string;
  /** `""` when there is a digest. */
  tag: string;
  /** `sha256:...`, or `""`. */
  digest: string;
}

const isDomain = (part: string): boolean => part.includes('.') || part.includes(':') || part === 'localhost';

const fullRepository = (name: string): string => {
  const [first = ''] = name.split('/');
  if (name.includes('/') && isDomain(first)) return name;
  return `${DEFAULT_DOMAIN}/${name.includes('/') ? name : `${DEFAULT_NAMESPACE}/${name}`}`;
};

/**
 * Reads the id of a container image, `[REGISTRY/]NAME[:TAG][@DIGEST]`.
 * @throws when it cannot be the name of one
 */
export const parseImageName = (id: string): ImageName => {
  const [named = '', digest = ''] = id.split('@');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const repository = fullRepository(colon < 0 ? named : named.slice(0, colon));
  if (!PATH.test(repository.slice(repository.indexOf('/') + 1)))
    throw new Error(
      `image id "${id}": the name of a container image has small letters, digits and . _ - / only`,
    );
  const tag = colon < 0 ? DEFAULT_TAG : named.slice(colon + 1);
  return { repository, digest, tag: digest ? '' : tag };
};

/** An image's id with all that it leaves out, so that Docker and Podman read it alike. */
export const engineReference = (id: string): string => {
  const { repository, tag, digest } = parseImageName(id);
  return digest ? `${repository}@${digest}` : `${repository}:${tag}`;
};

/** An image's id as short as it can be, from the engine's name for it. */
export const familiarName = (reference: string): string => {
  const { repository, tag, digest } = parseImageName(reference);
  const library = `${DEFAULT_DOMAIN}/${DEFAULT_NAMESPACE}/`;
  const short = repository.startsWith(library)
    ? repository.slice(library.length)
    : repository.replace(`${DEFAULT_DOMAIN}/`, '');
  if (digest) return `${short}@${digest}`;
  return tag === DEFAULT_TAG ? short : `${short}:${tag}`;
};
