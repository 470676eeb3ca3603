import Joi from 'joi';
import { bootOrderSchema } from './boot-order.js';
import { cdromsSchema, mediaSchema } from './cdroms.js';
import { comingBackSchemas } from './coming-back-schemas.js';
import { type Disk, GO_NIL, type Guest, MAX_DISK_MB, MAX_DISKS, type Nic } from './guest.js';
import { guestAddressesSchema } from './guest-addresses.js';
import { guestDetailsSchemas } from './guest-details.js';
import { imageIdSchema } from './image-id.js';
import { descriptionSchema, tagsSchema } from './labels.js';
import { uuid } from './uuid.js';

const text = (): Joi.StringSchema => Joi.string().allow('', null);

/** Names are used in file names, device ids and command lines: no separators, no leading dash or dot. */
const name = (): Joi.StringSchema =>
  text()
    .max(255)
    .pattern(
      /^[a-zA-Z0-9_][a-zA-Z0-9_:.-]*$/,
      'consist of letters, digits and _ : . -, and begin with a letter, a digit or _',
    );

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

export const templateSchema = Joi.boolean()
  .description(
    'Whether it is a template: it does not start, its disks do not change, and its clones are linked to it',
  )
  .example(true);

/** A guest as clients and sub-agents send it; `normalizeGuest` turns it into a `Guest`. */
export const guestSchema = Joi.object<Guest>({
  id: guestIdSchema.allow('', null),
  type: name().max(64).description('`kvm` (the default) or `container`').example('kvm'),
  image: imageIdSchema
    .allow('', null)
    .description(
      "A container's image, or the image to clone for the first or only disk of a virtual machine",
    ),
  owner: Joi.string()
    .max(255)
    .allow('', null)
    .description('The client that created it, whose quota it counts towards; set by the agent')
    .example('bob'),
  description: descriptionSchema,
  tags: tagsSchema,
  template: templateSchema.allow(null),
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
    .description('Keys that this response leaves out: their values are secret and need the right `content`')
    .example(['metadata.user-data']),
  addresses: guestAddressesSchema
    .allow(null)
    .description(
      'Its addresses as the agent last learned them, the best source first; in lists of guests alone, because they change without a change of the guest and its ETag',
    ),
})
  .label('guest')
  .description('A virtual machine or a container');
