import type { ObjectSchema } from 'joi';
import { describeMistakes } from '../../model/describe-mistakes.js';
import type { GuestRequest } from '../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';

/**
 * Reads the change that a stage makes to a guest.
 * @throws {Refusal} `invalid` when it is missing or malformed
 */
export const readChange = <Change>(
  { change }: Pick<GuestRequest, 'change'>,
  schema: ObjectSchema<Change>,
): Change => {
  const { value, error } = schema.required().label('change').validate(change, { convert: false });
  if (error) throw new Refusal('invalid', `the change of the guest: ${describeMistakes(error)}`);
  return value;
};
