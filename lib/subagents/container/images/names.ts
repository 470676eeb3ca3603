import { Refusal } from '../../../rpc/protocol/refusal.js';

/** The defaults of image names: https://github.com/distribution/reference */
const DEFAULT_DOMAIN = 'docker.io';
const DEFAULT_NAMESPACE = 'library';
const DEFAULT_TAG = 'latest';

const PATH = /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;

export interface ImageName {
  /** Including the registry: `docker.io/library/busybox`. */
  repository: string;
  /** `""` when the name has a digest. */
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
 * Parses the id of a container image, `[REGISTRY/]NAME[:TAG][@DIGEST]`.
 * @throws when it is not a valid image name
 */
export const parseImageName = (id: string): ImageName => {
  const [named = '', digest = ''] = id.split('@');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const repository = fullRepository(colon < 0 ? named : named.slice(0, colon));
  if (!PATH.test(repository.slice(repository.indexOf('/') + 1)))
    throw new Refusal(
      'invalid',
      `image id "${id}": the name of a container image may only contain lower-case letters, digits and . _ - /`,
    );
  const tag = colon < 0 ? DEFAULT_TAG : named.slice(colon + 1);
  return { repository, digest, tag: digest ? '' : tag };
};

/** Completes an image's id with the defaults, so that Docker and Podman read it alike. */
export const engineReference = (id: string): string => {
  const { repository, tag, digest } = parseImageName(id);
  return digest ? `${repository}@${digest}` : `${repository}:${tag}`;
};

/** Shortens the engine's name of an image to its shortest id. */
export const familiarName = (reference: string): string => {
  const { repository, tag, digest } = parseImageName(reference);
  const library = `${DEFAULT_DOMAIN}/${DEFAULT_NAMESPACE}/`;
  const short = repository.startsWith(library)
    ? repository.slice(library.length)
    : repository.replace(`${DEFAULT_DOMAIN}/`, '');
  if (digest) return `${short}@${digest}`;
  return tag === DEFAULT_TAG ? short : `${short}:${tag}`;
};
