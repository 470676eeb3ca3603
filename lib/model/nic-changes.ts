import Joi, { type ObjectSchema } from 'joi';
import { type Guest, type LooseNic, type Nic, normalizeNic } from './guest.js';
import { nicSchema } from './guest-schemas.js';

/** The most NICs of a guest. */
export const MAX_NICS = 32;

/** A NIC to add to a guest; the guest's sub-agent fills in what is absent. */
export type NicSpec = Omit<LooseNic, 'device' | 'removing' | 'network'> & { network: string };

/** What changes of a NIC: an absent key stays as it is, and null or an empty value takes the default. */
export type NicPatch = Pick<LooseNic, 'network' | 'vlans' | 'link' | 'address' | 'netmask' | 'gateway'>;

/** The change of each action that concerns a NIC. */
export interface NicChanges {
  addNic: { nic: NicSpec };
  changeNic: { name: string; nic: NicPatch };
  removeNic: { name: string };
}

const network = nicSchema.extract('network').required().disallow('', null) as Joi.StringSchema;

export const nicNameSchema = (nicSchema.extract('name') as Joi.StringSchema)
  .required()
  .disallow('', null)
  .label('NIC name')
  .description('The name of a NIC of the guest')
  .example('net0');

/** Rejects the all-zero MAC address, which hypervisors do not accept. */
const usableMac = (nicSchema.extract('mac') as Joi.StringSchema).custom((mac: string, helpers) =>
  mac === '00:00:00:00:00:00'
    ? helpers.message({ custom: '"mac" must not be all zeros: leave it out to have one generated' })
    : mac,
);

/** Set by sub-agents. A NIC that was read before has them, so they are ignored. */
const setBySubAgents = {
  device: nicSchema.extract('device').strip(),
  removing: nicSchema.extract('removing').strip(),
};

export const nicSpecSchema = nicSchema
  .keys({ network, mac: usableMac, ...setBySubAgents })
  .required()
  .label('NIC') as unknown as ObjectSchema<NicSpec>;

const FIXED = 'is fixed: remove the NIC and add another';

export const nicPatchSchema: ObjectSchema<NicPatch> = Joi.object<NicPatch>({
  network,
  vlans: nicSchema.extract('vlans'),
  link: nicSchema.extract('link'),
  address: nicSchema.extract('address'),
  netmask: nicSchema.extract('netmask'),
  gateway: nicSchema.extract('gateway'),
  ...Object.fromEntries(
    ['name', 'mac', 'model'].map((key) => [
      key,
      Joi.forbidden().messages({ 'any.unknown': `"${key}" of a NIC ${FIXED}` }),
    ]),
  ),
})
  .fork('network', (key) => key.optional())
  .min(1)
  .messages({
    'object.min': 'the body names no change: give network, vlans, link, address, netmask or gateway',
  })
  .required()
  .label('NIC');

/** Validates the changes in sub-agents. */
export const nicChangeSchemas: { [Name in keyof NicChanges]: ObjectSchema<NicChanges[Name]> } = {
  addNic: Joi.object<NicChanges['addNic']>({ nic: nicSpecSchema }).required(),
  changeNic: Joi.object<NicChanges['changeNic']>({ name: nicNameSchema, nic: nicPatchSchema }).required(),
  removeNic: Joi.object<NicChanges['removeNic']>({ name: nicNameSchema }).required(),
};

export const nicOf = ({ nics = [] }: Pick<Guest, 'nics'>, name: string): Nic | undefined =>
  nics.find((nic) => nic.name === name);

/** Applies a patch to a NIC. A change of the address without its netmask or gateway keeps these. */
export const patchedNic = (nic: Nic, patch: NicPatch): Nic => normalizeNic({ ...nic, ...patch });
