import { invalid } from '../errors.js';
import type { CloneRequest } from './clone.js';
import { diskNumber } from './disks.js';
import { type Disk, type Guest, type Metadata, metadataOf, normalizeGuest, normalizeNic } from './guest.js';
import { applyMetadataPatch } from './metadata.js';
import { withoutHostKeys } from './portable-guest.js';
import { nicOfCopy } from './restore.js';
import { SEED_KEYS, seedMistake } from './seed-metadata.js';

/** The disks of a clone are numbered from 0 without a gap, as those of any new guest. */
const cloneDisk =
  (linked: boolean) =>
  ({ bus, size, image }: Disk): Disk => ({
    ...{ bus, size, image: linked ? '' : image },
    ...{ device: '', volume: '', source: '' },
  });

/** Renames the disks in a boot order as the clone numbers them. */
const bootOrderOf = ({ bootOrder, disks = [] }: Guest): string[] | undefined =>
  bootOrder?.flatMap((device) => {
    if (!device.startsWith('disk')) return [device];
    const index = disks.findIndex((disk, position) => device === `disk${diskNumber(disk, position)}`);
    return index < 0 ? [] : [`disk${index}`];
  });

/** cloud-init replaces the machine-id, from which networkd and others derive what they are called on the network. */
const NEW_MACHINE_ID = `#cloud-config
bootcmd:
  - [cloud-init-per, instance, machine-id, sh, -c, "rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup"]
`;

const hasSeed = ({ metadata = {}, nics = [] }: Guest): boolean =>
  SEED_KEYS.some((key) => metadata[key]) || nics.some(({ address }) => address !== '');

/** Returns the name as a host name, if it can be one, or the one that a seed without a host name has. */
const hostnameOf = (id: string, name: string | undefined): string =>
  name && seedMistake({ hostname: name }) === undefined ? name : `guest-${id.slice(0, 8)}`;

/** Gives the clone a host name of its own where the source has one, or where cloud-init needs a seed. */
const withHostname = (guest: Guest, source: Guest, request: CloneRequest): Guest => {
  const isGiven = request.metadata?.hostname !== undefined;
  const needsSeed = (request.reset ?? []).length > 0 && !hasSeed(guest);
  if (isGiven || !(metadataOf(source).hostname || needsSeed)) return guest;
  const metadata = metadataOf(guest);
  return { ...guest, metadata: { ...metadata, hostname: hostnameOf(guest.id, metadata.name) } };
};

/** @throws {AgentError} `invalid` when the guest has vendor-data of its own */
const withReset = (metadata: Metadata, { reset = [] }: CloneRequest): Metadata => {
  if (!reset.includes('machine-id')) return metadata;
  if (metadata['vendor-data'])
    throw invalid(
      '"reset" cannot include machine-id, because the guest has vendor-data of its own: make the machine-id anew there, or remove it with "metadata": {"vendor-data": null}',
    );
  return { ...metadata, 'vendor-data': NEW_MACHINE_ID };
};

/** Keys of the source that its clone has, unless the request names others. */
const OVERRIDES = [
  ...['description', 'tags', 'memory', 'cpu', 'maxMemory', 'maxCpu', 'autostart', 'restart'],
] as const satisfies readonly (keyof CloneRequest & keyof Guest)[];

/**
 * Describes the clone of a guest. What must differ between the two does: id, MAC addresses, name and host name; the
 * serials of the disks, the machine's UUID and cloud-init's instance-id follow from the id.
 * @param identity the clone's id, and its name if it has one
 */
export const clonedGuest = (
  source: Guest,
  request: CloneRequest,
  { id, name, linked }: { id: string; name: string | undefined; linked: boolean },
): Guest => {
  const { template: _template, image: _image, ...kept } = withoutHostKeys(source);
  const { next: _next, ...machine } = source.machine ?? {};
  const { name: _name, ...others } = metadataOf(source);
  const given = Object.fromEntries(
    OVERRIDES.flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])),
  );
  const metadata = withReset(applyMetadataPatch(others, request.metadata ?? {}), request);
  const guest = normalizeGuest({
    ...kept,
    ...given,
    ...{ id, machine },
    disks: (source.disks ?? []).map(cloneDisk(linked)),
    nics: request.nics?.map(normalizeNic) ?? (source.nics ?? []).map(nicOfCopy),
    bootOrder: bootOrderOf(source) ?? null,
    metadata: { ...metadata, ...(name ? { name } : {}) },
  });
  return withHostname(guest, source, request);
};

/** Says what a clone shares with its source until someone changes it. */
export const identityNote = (guest: Guest, source: string, { reset = [] }: CloneRequest): string => {
  const made = ['new SSH host keys', ...(reset.includes('machine-id') ? ['a new machine-id'] : [])];
  return hasSeed(guest)
    ? `cloud-init, if the guest has it, makes ${made.join(' and ')} at the first start of the clone; whatever else is on its disks is the same as in guest ${source}`
    : `what is on its disks is the same as in guest ${source}, SSH host keys and machine-id included: change them in the clone`;
};
