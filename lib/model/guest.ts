import { type Cdrom, type Medium, normalizeCdroms } from './cd-drives.js';
import type { Autostart, Intent, Restart, Restarts } from './coming-back.js';
import type { ContainerSpec } from './container/spec.js';
import type { Devices } from './devices.js';
import type { GuestAddress } from './guest-addresses.js';
import type { MachineSpec } from './machine.js';
import type { Pending } from './pending.js';
import type { ProgramRun } from './program-run.js';
import type { Warm } from './warm.js';

/** A guest's network interface. `network` is the bridge that it joins, or `user` for user-mode networking. */
export interface Nic {
  name?: string;
  network: string;
  model: string;
  mac?: string;
  address: string;
  netmask: string;
  gateway: string;
  /** The tap device on the host; set by the sub-agent that runs the guest. */
  device?: string;
  vlans: number[];
  /** `down` while its cable is unplugged; absent means plugged in. */
  link?: 'down';
  /** Whether it is being removed, and the guest still has it; set by the sub-agent. */
  removing?: true;
}

/** A guest's disk: a clone of `image`, or a blank disk of `size`. */
export interface Disk {
  /** `virtio`, `scsi`, `sata` or `ide`. */
  bus: string;
  /** The device name in the guest, such as `vda`; `""` when it is not certain. */
  device: string;
  /** MB (2^20 bytes). */
  size: number;
  volume: string;
  image: string;
  /** The file or block device on the host; set by the storage sub-agent. */
  source: string;
  /** The serial number that the guest sees; set by the sub-agent that runs the guest. */
  serial?: string;
  /** The number that it keeps for its life; set by the sub-agents, absent where it is the position in the list. */
  number?: number;
}

export type Metadata = Record<string, string>;

/** A virtual machine (`type` absent, `""` or `kvm`) or a container (`type` is `container`). */
export interface Guest {
  /** A UUID in lower case. */
  id: string;
  type?: string;
  image?: string;
  /** The name of the client that created it, whose quota it counts towards; set by the agent. */
  owner?: string;
  /** A text for people. */
  description?: string;
  /** Short labels. */
  tags?: string[];
  /** Whether it is only there to be cloned: it does not start, and its disks do not change. */
  template?: boolean;
  nics?: Nic[];
  disks?: Disk[];
  /** Its CD drives; absent where nothing was said: see `cdromsOf`. */
  cdroms?: Cdrom[];
  /** Where the ISO images of its drives are; set by the storage sub-agent. */
  media?: Medium[];
  /** The disks and CD drives that it boots from first. */
  bootOrder?: string[];
  state?: string;
  /** Why the guest is in that state, if a sub-agent knows. */
  reason?: string;
  /** MB (2^20 bytes). */
  memory?: number;
  /** Number of vCPUs. */
  cpu?: number;
  /** MB up to which its memory can grow while it runs. */
  maxMemory?: number;
  /** The vCPUs up to which it can grow while it runs. */
  maxCpu?: number;
  /** The changes that wait for its next start; set by the sub-agent that runs it. */
  pending?: Pending;
  /** The model of its vCPUs, by QEMU's name. */
  cpuModel?: string;
  machine?: MachineSpec;
  devices?: Partial<Devices>;
  /** What only a container has. */
  container?: ContainerSpec;
  /** Problems that will keep the guest from running, and what to do; set by the sub-agents. */
  warnings?: string[];
  /** The memory with which its clones resume, if it is a warm template; set by the sub-agent that runs it. */
  warm?: Warm;
  /** What a container's program did; set by the sub-agent that runs it. */
  program?: ProgramRun;
  /** TCP port of the VNC server on loopback. */
  vnc?: number;
  /** Whether it starts after a boot of the host; never when absent. */
  autostart?: Autostart;
  /** Whether it starts again after it failed; never when absent. */
  restart?: Restart;
  intent?: Intent;
  restarts?: Restarts;
  metadata?: Metadata;
  /** Keys that a response leaves out because the client may not read them; never stored. */
  hidden?: string[];
  /** What is known of its addresses; set by the agent, in lists alone, and never stored. */
  addresses?: readonly GuestAddress[];
}

/** A limit beyond any real host: a larger value is a mistake. */
export const MAX_DISK_MB = 1024 * 1024 * 1024;
/** The disks of a guest, numbered from 0. */
export const MAX_DISKS = 26;

/** The text that Go prints for an address that is not set, and that clients of the original agent send. */
export const GO_NIL = '<nil>';

const addressOf = (text: string | null | undefined): string => (text && text !== GO_NIL ? text : '');

/** A NIC on the wire, where a null or empty field means the same as an absent one. */
export type LooseNic = { [Key in keyof Omit<Nic, 'link'>]?: Nic[Key] | null } & {
  link?: 'up' | 'down' | '' | null;
};

export const normalizeNic = (nic: LooseNic): Nic => ({
  ...(nic.name ? { name: nic.name } : {}),
  network: nic.network ?? '',
  model: nic.model ?? '',
  ...(nic.mac ? { mac: nic.mac } : {}),
  address: addressOf(nic.address),
  netmask: addressOf(nic.netmask),
  gateway: addressOf(nic.gateway),
  ...(nic.device ? { device: nic.device } : {}),
  vlans: nic.vlans ?? [],
  ...(nic.link === 'down' ? { link: nic.link } : {}),
  ...(nic.removing ? { removing: true } : {}),
});

const normalizeDisk = (disk: Partial<Disk>): Disk => ({
  bus: disk.bus ?? '',
  device: disk.device ?? '',
  size: disk.size ?? 0,
  volume: disk.volume ?? '',
  image: disk.image ?? '',
  source: disk.source ?? '',
  ...(disk.serial ? { serial: disk.serial } : {}),
  ...(typeof disk.number === 'number' ? { number: disk.number } : {}),
});

/** A guest on the wire, where a null or empty field means the same as an absent one. */
export type LooseGuest = { [Key in keyof Guest]?: Guest[Key] | null };

type StoredKey = Exclude<keyof Guest, 'hidden' | 'addresses'>;

/** The keys that are stored, in the contract's order. */
const STORED = Object.keys({
  ...{ id: 1, type: 1, image: 1, owner: 1, description: 1, tags: 1, template: 1, nics: 1, disks: 1 },
  ...{ cdroms: 1, media: 1, bootOrder: 1, state: 1, reason: 1 },
  ...{ memory: 1, cpu: 1, maxMemory: 1, maxCpu: 1, pending: 1 },
  ...{ cpuModel: 1, machine: 1, devices: 1, container: 1, warnings: 1, warm: 1, program: 1, vnc: 1 },
  ...{ autostart: 1, restart: 1, intent: 1, restarts: 1, metadata: 1 },
} satisfies Record<StoredKey, 1>) as StoredKey[];

const isEmpty = (value: unknown): boolean =>
  !value || (typeof value === 'object' && Object.keys(value).length === 0);

/** Returns the canonical form of a guest: known keys only, in the contract's order, without empty ones. */
export const normalizeGuest = (guest: LooseGuest & { id: string }): Guest => {
  const { nics, disks, cdroms } = guest;
  const loose = {
    ...guest,
    nics: nics?.map(normalizeNic),
    disks: disks?.map(normalizeDisk),
    cdroms: cdroms && normalizeCdroms(cdroms),
  };
  const kept = STORED.filter((key) => !isEmpty(loose[key])).map((key) => [key, loose[key]]);
  return { id: guest.id, ...(Object.fromEntries(kept) as Partial<Guest>) };
};

export const isContainer = (guest: Pick<Guest, 'type'>): boolean => guest.type === 'container';

const NO_METADATA: Metadata = {};

export const metadataOf = ({ metadata = NO_METADATA }: Pick<Guest, 'metadata'>): Metadata => metadata;
