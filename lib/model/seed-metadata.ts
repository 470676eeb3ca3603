import { isIP } from 'node:net';
import type { Metadata } from './guest.js';

/** The keys of a virtual machine's metadata that its cloud-init seed is made from. */
export const SEED_KEYS = ['hostname', 'user-data', 'vendor-data', 'nameservers'] as const;

/** RFC 1123, 2.1: labels of letters, digits and hyphens. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Splits the addresses in `nameservers` at commas and blanks. */
export const nameservers = (metadata: Metadata): string[] =>
  (metadata.nameservers ?? '').split(/[\s,]+/).filter(Boolean);

/** An address with a zone, such as `fe80::1%eth0`, means nothing to a guest. */
const isAddress = (text: string): boolean => isIP(text) !== 0 && !text.includes('%');

/** Says why a hostname or a name server is invalid; `undefined` when all are valid. */
export const seedMistake = (metadata: Metadata): string | undefined => {
  const { hostname } = metadata;
  if (hostname && !HOST_NAME.test(hostname))
    return `metadata hostname "${hostname}" is not a valid host name: use letters, digits, - and dots`;
  const invalid = nameservers(metadata).find((server) => !isAddress(server));
  return invalid === undefined ? undefined : `metadata nameservers: "${invalid}" is not an IP address`;
};
