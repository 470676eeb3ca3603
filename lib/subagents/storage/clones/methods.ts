import { guestKey } from '../../../async/keyed-locks.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import type { Contents } from '../images/contents.js';
import { withMedia } from '../images/media.js';
import { type CloneDeps, checkCloneGuestDisks, cloneGuestDisks } from './clone-disks.js';

type CloneMethod = (request: GuestRequest, call: Pick<CallContext, 'signal'>) => Promise<GuestResponse>;

/** The methods of `ImageStore` that create guests' disks from those of other guests. */
export const cloneMethods = (deps: CloneDeps & { contents: Contents }): Record<string, CloneMethod> => {
  const { store, locks } = deps.snapshots;
  const withGuestMedia = async (request: GuestRequest): Promise<GuestRequest> => ({
    ...request,
    guest: await withMedia({ store, contents: deps.contents }, request.guest),
  });
  return {
    CheckCloneGuestDisks: async (request) => checkCloneGuestDisks(deps, await withGuestMedia(request)),
    CloneGuestDisks: (request, call) =>
      locks.run(guestKey(request.guest.id), async () =>
        cloneGuestDisks(deps, await withGuestMedia(request), call),
      ),
  };
};
