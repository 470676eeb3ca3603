import { normalizeCdroms } from './cd-drives.js';
import { type Guest, type Metadata, type Nic, normalizeGuest } from './guest.js';
import { USER_NETWORK } from './nics.js';

export const IDENTITIES = ['new', 'keep'] as const;
/** Whether an imported guest is a new one, or the one that was exported. */
export type Identity = (typeof IDENTITIES)[number];

/** How a client wants an imported guest. */
export interface ImportWishes {
  /** By default the name in the file. */
  name?: string | undefined;
  /** `new` by default: a new id, and NICs with new addresses. */
  identity?: Identity | undefined;
  /** The network of all NICs, in place of those in the file. */
  network?: string | undefined;
}

/** What a file may say about a guest; everything else is for its host to say. */
const KEYS = [
  ...(['id', 'description', 'tags', 'nics', 'disks', 'cdroms', 'bootOrder', 'memory', 'cpu'] as const),
  ...(['maxMemory', 'maxCpu', 'cpuModel', 'machine', 'devices', 'autostart', 'restart', 'metadata'] as const),
] as const;

const nicFor = ({ mac, address, netmask, gateway, ...nic }: Nic, wishes: ImportWishes): Nic => {
  const own = { ...(mac ? { mac } : {}), address, netmask, gateway };
  const none = { address: '', netmask: '', gateway: '' };
  const { device: _, removing: __, ...rest } = nic;
  return {
    ...rest,
    ...(wishes.identity === 'keep' ? own : none),
    network: wishes.network ?? (nic.network || USER_NETWORK),
  };
};

const metadataFor = ({ metadata = {} }: Guest, { name }: ImportWishes): Metadata =>
  name === undefined ? metadata : { ...metadata, name };

/** Returns the guest to create from a file. */
export const importedGuest = (guest: Guest, wishes: ImportWishes): Guest => {
  const known = Object.fromEntries(
    KEYS.flatMap((key) => (guest[key] === undefined ? [] : [[key, guest[key]]])),
  );
  const { nics, cdroms } = guest;
  return normalizeGuest({
    ...known,
    id: guest.id,
    nics: nics?.map((nic) => nicFor(nic, wishes)) ?? null,
    // Its images may not be here, or be others.
    cdroms: cdroms ? normalizeCdroms(cdroms.map(() => ({}))) : null,
    metadata: metadataFor(guest, wishes),
  });
};

/** Says what a guest with a new identity has in common with the one that was exported. */
export const identityNotes = ({ nics = [] }: Guest, { identity }: ImportWishes): string[] => {
  if (identity === 'keep') return [];
  const hadAddress = nics.some(({ address }) => address !== '');
  return [
    ...(hadAddress ? ['its static addresses were left out'] : []),
    'its disks are as they were, with SSH host keys and machine-id',
  ];
};
