import { guestKey } from '../../../async/keyed-locks.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { type DiscardRequest, importChangeSchema } from '../../../rpc/protocol/import-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { readChange } from '../../shared/read-change.js';
import { toDisk } from '../disks/common.js';
import type { ImportDeps } from './import.js';

/** `ImageStore.AdoptImport`: the first stage of the creation of a guest whose disks were imported. */
export const adoptImport =
  ({ store, locks, pending }: ImportDeps) =>
  (request: GuestRequest): Promise<GuestResponse> => {
    const { guest } = request;
    const { token, notes } = readChange(request, importChangeSchema);
    return locks.run(guestKey(guest.id), async () => {
      const disks = await store.findDisks(guest.id);
      const waiting = await pending.find(guest.id);
      // Without a record, an earlier call has succeeded.
      if (!disks || (waiting !== undefined && waiting !== token))
        throw new Refusal(
          'conflict',
          `the imported disks of guest ${guest.id} are gone: delete the guest, and import it again`,
        );
      await pending.settle(guest.id);
      const message = notes.join('; ');
      return { guest: { ...guest, disks: disks.map(toDisk) }, ...(message === '' ? {} : { message }) };
    });
  };

/** `ImageStore.DiscardImport`: removes the disks that were imported for a guest which the agent does not create. */
export const discardImport =
  ({ locks, pending }: ImportDeps) =>
  async ({ guest, token }: DiscardRequest): Promise<object> => {
    await locks.run(guestKey(guest), async () => {
      if ((await pending.find(guest)) === token) await pending.discard(guest);
    });
    return {};
  };
