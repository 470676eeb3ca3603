import type Joi from 'joi';
import { bootOrderSchema } from './boot-order.js';
import { type ComingBackPatch, changeComingBack, comingBackPatchSchemas } from './coming-back-patch.js';
import { containerPatchSchema } from './container/spec-patch.js';
import { type Guest, type LooseGuest, metadataOf, normalizeGuest } from './guest.js';
import { templateSchema } from './guest-schemas.js';
import type { SizeChange } from './guest-size.js';
import { sizeSchemas } from './guest-size-schemas.js';
import type { OptionsChange } from './hardware-options.js';
import { imageIdSchema } from './image-id.js';
import { guestNameSchema, newDescriptionSchema, tagsSchema } from './labels.js';
import { optionsPatchSchemas } from './options-patch.js';
import { patchSchema } from './patch-schema.js';

/** A change of a guest: a JSON merge patch (RFC 7396), in which `null` returns a key to its default. */
export interface GuestPatch extends SizeChange, OptionsChange, ComingBackPatch {
  name?: string | null;
  description?: string | null;
  tags?: string[] | null;
  bootOrder?: string[] | null;
  template?: boolean | null;
  /** Of a container. */
  image?: string;
  /** A merge patch of what only a container has. */
  container?: Readonly<Record<string, unknown>> | null;
}

interface PatchKey {
  /** The agent changes its own keys by itself; the sub-agent that runs the guest gets the others. */
  owner: 'agent' | 'sub-agent';
  schema: Joi.Schema;
}

/** The keys that a patch can have. A key that has another owner needs no more than its line here and its schema. */
const KEYS: Record<keyof GuestPatch, PatchKey> = {
  name: { owner: 'agent', schema: guestNameSchema },
  description: { owner: 'agent', schema: newDescriptionSchema },
  tags: { owner: 'agent', schema: tagsSchema },
  template: { owner: 'agent', schema: templateSchema.allow(null) },
  autostart: { owner: 'agent', schema: comingBackPatchSchemas.autostart },
  restart: { owner: 'agent', schema: comingBackPatchSchemas.restart },
  memory: { owner: 'sub-agent', schema: sizeSchemas.memory },
  cpu: { owner: 'sub-agent', schema: sizeSchemas.cpu },
  maxMemory: { owner: 'sub-agent', schema: sizeSchemas.maxMemory },
  maxCpu: { owner: 'sub-agent', schema: sizeSchemas.maxCpu },
  bootOrder: { owner: 'sub-agent', schema: bootOrderSchema.allow(null) },
  machine: { owner: 'sub-agent', schema: optionsPatchSchemas.machine },
  devices: { owner: 'sub-agent', schema: optionsPatchSchemas.devices },
  image: { owner: 'sub-agent', schema: imageIdSchema.description('The image of a container') },
  container: { owner: 'sub-agent', schema: containerPatchSchema },
};

/** Where a client changes the other keys of a guest. */
const ELSEWHERE: Record<Exclude<keyof Guest, keyof GuestPatch>, string> = {
  id: 'a guest keeps its id',
  type: 'a guest keeps its type',
  owner: 'a guest keeps its owner',
  nics: 'add, change and remove NICs one at a time, at /guests/{guestID}/nics',
  disks: 'add, grow and remove disks one at a time, at /guests/{guestID}/disks',
  cdroms: 'change one drive at a time, at /guests/{guestID}/cdroms',
  media: 'the agent sets it',
  state: 'start the guest, shut it down, or use another action of it',
  reason: 'the agent sets it',
  cpuModel: 'upgrade the machine of the guest instead, at /guests/{guestID}/upgrade-machine',
  pending: 'the agent sets it; to cancel a change that waits, patch its key back to what the guest has',
  warnings: 'the agent sets it',
  warm: 'warm or cool the template instead, at /guests/{guestID}/warm',
  program: 'the agent sets it',
  vnc: 'the agent sets it',
  intent: 'the agent sets it',
  restarts: 'the agent sets it',
  metadata: 'change its keys at /guests/{guestID}/metadata',
  hidden: 'the agent sets it',
  addresses: 'the agent sets it; change the static address of a NIC at /guests/{guestID}/nics',
};

const schemas = Object.fromEntries(Object.entries(KEYS).map(([name, { schema }]) => [name, schema]));

export const guestPatchSchema = patchSchema<GuestPatch>(schemas, ELSEWHERE)
  .label('guest patch')
  .description('The keys to change (RFC 7396); `null` returns a key to its default')
  .example({ memory: 1024, tags: ['production'] });

const ownedBy = (patch: GuestPatch, owner: PatchKey['owner']): GuestPatch =>
  Object.fromEntries(Object.entries(patch).filter(([key]) => KEYS[key as keyof GuestPatch].owner === owner));

/** Returns the part of a patch that the sub-agent gets; `undefined` when there is none. */
export const subAgentPart = (patch: GuestPatch): GuestPatch | undefined => {
  const part = ownedBy(patch, 'sub-agent');
  return Object.keys(part).length > 0 ? part : undefined;
};

/**
 * Returns a guest with the keys of a patch that the agent owns.
 * @throws {AgentError} `invalid` when the patch leaves a policy of the guest incomplete
 */
export const withAgentPart = (guest: Guest, patch: GuestPatch): Guest => {
  const { name, ...part } = ownedBy(patch, 'agent');
  const { name: before, ...others } = metadataOf(guest);
  const now = name === undefined ? before : name;
  const metadata = now ? { ...others, name: now } : others;
  const loose = {
    ...guest,
    ...(part as Omit<LooseGuest, 'id'>),
    ...changeComingBack(guest, patch),
    metadata,
  };
  return normalizeGuest(loose);
};
