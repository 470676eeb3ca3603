import { bootOrderSchema } from '../../../model/boot-order.js';
import { describeMistakes } from '../../../model/describe-mistakes.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { requireBootDevices } from '../machine/boot-order.js';
import { applyBootOrder } from './boot-order.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';

/**
 * Reads the boot order of a change; `undefined` when it has none. An empty one is the default.
 * @throws {Refusal} `invalid` when it is malformed, or names a device that the guest does not have
 */
export const parseBootOrder = async (
  guests: Guests,
  id: string,
  wanted: unknown,
): Promise<string[] | undefined> => {
  if (wanted === undefined) return undefined;
  const { value, error } = bootOrderSchema.allow(null).validate(wanted, { convert: false });
  if (error) throw new Refusal('invalid', describeMistakes(error));
  const order: string[] = value ?? [];
  const entry = guests.get(id);
  await guests.machines.adopt(entry);
  const { definition, machine } = entry.record;
  if (machine) requireBootDevices(order, definition, machine);
  return order;
};

const withOrder = ({ record: { machine } }: Entry, order: readonly string[]) => {
  if (!machine) return {};
  const { bootOrder: _, ...others } = machine;
  return { machine: order.length > 0 ? { ...others, bootOrder: [...order] } : others };
};

/**
 * Changes what a guest boots from first, from its next boot on.
 * @returns what has changed in words
 */
export const changeBootOrder = (guests: Guests, id: string, order: readonly string[]): Promise<string> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    await entry.update(withOrder(entry, order));
    if (entry.watch) await applyBootOrder(entry, entry.watch);
    return order.length > 0
      ? `the guest boots from ${order.join(', then ')} first, from its next boot on`
      : 'the guest boots from its disks first, from its next boot on';
  });
