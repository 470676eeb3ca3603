import Joi from 'joi';
import { bootOrderSchema } from './boot-order.js';
import { type Cdrom, type Medium, normalizeCdroms } from './cd-drives.js';
import { cdromsSchema, mediaSchema } from './cdroms.js';
import type { Autostart, Intent, Restart, Restarts } from './coming-back.js';
import { comingBackSchemas } from './coming-back-schemas.js';
import type { Devices } from './devices.js';
import { guestDetailsSchemas } from './guest-details.js';
import { imageIdSchema } from './image-id.js';
import { descriptionSchema, tagsSchema } from './labels.js';
import type { MachineSpec } from './machine.js';
import type { Pending } from './pending.js';
import { uuid } from './uuid.js';

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
  /** A text for people. */
  description?: string;
  /** Short labels. */
  tags?: string[];
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
  /** Problems that will keep the guest from running, and what to do; set by the sub-agents. */
  warnings?: string[];
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
}

/** A limit beyond any real host: a larger value is a mistake. */
export const MAX_DISK_MB = 1024 * 1024 * 1024;
/** The disks of a guest, numbered from 0. */
export const MAX_DISKS = 26;

const text = (): Joi.StringSchema => Joi.string().allow('', null);

/** Names are used in file names, device ids and command lines: no separators, no leading dash or dot. */
const name = (): Joi.StringSchema =>
  text()
    .max(255)
    .pattern(
      /^[a-zA-Z0-9_][a-zA-Z0-9_:.-]*$/,
      'consist of letters, digits and _ : . -, and begin with a letter, a digit or _',
    );

/** The text that Go prints for an address that is not set, and that clients of the original agent send. */
const GO_NIL = '<nil>';

const address = (): Joi.StringSchema =>
  text()
    .allow(GO_NIL)
    .max(64)
    .pattern(/^[0-9a-fA-F:./]+$/, 'be an IP address, which consists of digits, a-f and . : /');

export const guestIdSchema = uuid()
  .label('guest id')
  .description('The UUID of a guest')
  .example('7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10');

const deviceSchema = name()
  .max(32)
  .description('The device name in the guest, where it is certain')
  .example('vda');

export const nicSchema = Joi.object<Nic>({
  name: name().description('The name, unique within the guest').example('net0'),
  network: name().description('The bridge to join, or `user` for user-mode networking').example('br0'),
  model: name().max(64).description('The model of the network card').example('virtio'),
  mac: text()
    .pattern(/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/, 'be a MAC address such as 52:54:00:12:34:56')
    .description('The MAC address; by default a stable generated one')
    .example('52:54:00:12:34:56'),
  address: address().description("The guest's IP address").example('192.0.2.10'),
  netmask: address().example('255.255.255.0'),
  gateway: address().example('192.0.2.1'),
  device: name().max(15).description('The tap device on the host').example('mt1f3a9c0'),
  vlans: Joi.array().items(Joi.number().integer().min(1).max(4094)).allow(null).description('VLAN ids'),
  link: Joi.string()
    .valid('up', 'down', '', null)
    .description('`down`: its cable is unplugged. Absent means `up`')
    .example('down'),
  removing: Joi.boolean()
    .allow(null)
    .description(
      'The NIC is being removed, and the guest still has it, without a cable; set by the sub-agent',
    ),
}).label('nic');

export const diskSchema = Joi.object<Disk>({
  bus: name().max(16).description('`virtio`, `scsi`, `sata` or `ide`').example('virtio'),
  device: deviceSchema,
  size: Joi.number().integer().min(0).max(MAX_DISK_MB).description('MB').example(1024),
  volume: text().max(255).description('The volume in the storage back end'),
  image: imageIdSchema.allow('', null).description('The image to clone'),
  source: text().max(4096).description('The file or block device on the host'),
  serial: text()
    .max(36)
    .description('The serial number in the guest, set by the sub-agent: see `/dev/disk/by-id`')
    .example('disk0-7d3c8f0e52c1'),
  number: Joi.number()
    .integer()
    .min(0)
    .max(MAX_DISKS - 1)
    .allow(null)
    .description(
      'The number that it keeps for its life, set by the sub-agents; without it, its position in the list',
    )
    .example(2),
}).label('disk');

/** Explains a rejected key; Joi's own message only says that it is not allowed. */
export const METADATA_MESSAGES = {
  'object.unknown': 'metadata.{#child}: a metadata key must have 1 to 255 characters',
};

export const metadataSchema = Joi.object()
  .pattern(Joi.string().max(255), Joi.string().allow(''))
  .unknown(false)
  .messages(METADATA_MESSAGES)
  .label('metadata')
  .description('String values by string keys')
  .example({ owner: 'ops' });

export const disksSchema = (disk: Joi.ObjectSchema<Disk>): Joi.ArraySchema =>
  Joi.array().items(disk).max(MAX_DISKS).allow(null).label('disks');

/** A guest as clients and sub-agents send it; `normalizeGuest` turns it into a `Guest`. */
export const guestSchema = Joi.object<Guest>({
  id: guestIdSchema.allow('', null),
  type: name().max(64).description('`kvm` (the default) or `container`').example('kvm'),
  image: imageIdSchema
    .allow('', null)
    .description(
      "A container's image, or the image to clone for the first or only disk of a virtual machine",
    ),
  description: descriptionSchema,
  tags: tagsSchema,
  nics: Joi.array().items(nicSchema).max(32).allow(null).label('nics'),
  disks: disksSchema(diskSchema),
  cdroms: cdromsSchema.allow(null),
  media: mediaSchema.allow(null),
  bootOrder: bootOrderSchema.allow(null),
  state: text().max(64).description('Set by the agent and its sub-agents').example('running'),
  reason: text()
    .max(255)
    .description(
      'Why the guest is in that state, such as `shutdown`, `poweroff`, `killed`, `crashed`, `panicked`, `io-error`, `out of memory` or `exit code 1`; set by the sub-agents',
    )
    .example('shutdown'),
  ...guestDetailsSchemas,
  vnc: Joi.number().integer().min(0).max(65535).allow(null).description('VNC port on loopback').example(5900),
  ...comingBackSchemas,
  metadata: metadataSchema.allow(null),
  hidden: Joi.array()
    .items(Joi.string())
    .allow(null)
    .description('Keys that this response leaves out: their values are secret and need the scope `export`')
    .example(['metadata.user-data']),
})
  .label('guest')
  .description('A virtual machine or a container');

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

/** The keys that are stored, in the contract's order. */
const STORED = Object.keys({
  ...{ id: 1, type: 1, image: 1, description: 1, tags: 1, nics: 1, disks: 1 },
  ...{ cdroms: 1, media: 1, bootOrder: 1, state: 1, reason: 1 },
  ...{ memory: 1, cpu: 1, maxMemory: 1, maxCpu: 1, pending: 1 },
  ...{ cpuModel: 1, machine: 1, devices: 1, warnings: 1, vnc: 1 },
  ...{ autostart: 1, restart: 1, intent: 1, restarts: 1, metadata: 1 },
} satisfies Record<Exclude<keyof Guest, 'hidden'>, 1>) as Exclude<keyof Guest, 'hidden'>[];

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

export const metadataOf = ({ metadata = NO_METADATA }: Guest): Metadata => metadata;
