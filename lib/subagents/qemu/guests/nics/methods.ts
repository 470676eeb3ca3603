import type { ObjectSchema } from 'joi';
import { type NicChanges, nicChangeSchemas } from '../../../../model/nic-changes.js';
import type { GuestRequest, GuestResponse } from '../../../../rpc/protocol/guest-messages.js';
import type { CallContext } from '../../../../rpc/server/call-context.js';
import { readChange } from '../../../shared/read-change.js';
import type { Guests } from '../guests.js';
import { addNic, checkAddNic } from './add.js';
import { changeNic, checkChangeNic } from './change.js';
import type { NicRecord } from './record.js';
import { checkRemoveNic, removeNic } from './remove.js';
import type { Changed } from './running.js';

type NicMethod = (guests: Guests, request: GuestRequest, call: CallContext) => Promise<GuestResponse>;

/** Leaves out keys that a newer agent may send. */
const changeOf = <Change>(schema: ObjectSchema<Change>, request: GuestRequest): Change =>
  readChange(request, schema.options({ stripUnknown: true }));

type Apply<Change> = (
  guests: Guests,
  id: string,
  change: Change,
  job: string | undefined,
) => Promise<Changed>;
type Check<Change> = (guests: Guests, id: string, change: Change) => Promise<NicRecord>;

const applying =
  <Change>(schema: ObjectSchema<Change>, apply: Apply<Change>): NicMethod =>
  async (guests, request, { job }) => {
    const change = changeOf(schema, request);
    const { id } = request.guest;
    try {
      const { entry, message } = await apply(guests, id, change, job?.job);
      return { guest: { id, nics: entry.record.definition.nics }, message };
    } finally {
      // Also after a failure, which may have left a NIC that is being removed.
      const known = guests.find(id);
      if (known) await guests.machines.describe(known);
    }
  };

const checking =
  <Change>(schema: ObjectSchema<Change>, check: Check<Change>): NicMethod =>
  async (guests, request) => {
    const { id } = request.guest;
    const { definition } = await check(guests, id, changeOf(schema, request));
    return { guest: { id, nics: definition.nics } };
  };

const methodsOf = <Name extends keyof NicChanges>(
  name: Name,
  apply: Apply<NicChanges[Name]>,
  check: Check<NicChanges[Name]>,
): [NicMethod, NicMethod] => [
  applying(nicChangeSchemas[name], apply),
  checking(nicChangeSchemas[name], check),
];

const [add, checkAdd] = methodsOf('addNic', addNic, checkAddNic);
const [change, checkChange] = methodsOf('changeNic', changeNic, checkChangeNic);
const [remove, checkRemove] = methodsOf('removeNic', removeNic, checkRemoveNic);

/** The methods that change the NICs of a guest. */
export const NIC_METHODS = {
  'Libvirt.AddNic': add,
  'Libvirt.CheckAddNic': checkAdd,
  'Libvirt.ChangeNic': change,
  'Libvirt.CheckChangeNic': checkChange,
  'Libvirt.RemoveNic': remove,
  'Libvirt.CheckRemoveNic': checkRemove,
} satisfies Record<`Libvirt.${string}`, NicMethod>;
