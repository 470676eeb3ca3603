import type { Socket } from 'node:net';
import { forbidden } from '@hapi/boom';
import { isLocalPeer, peerUid } from '../http/peer-uid.js';
import { contains, type UidRange } from '../process/guest-uids.js';
import type { Check } from './browser-guard.js';

const requireOtherUid = async (socket: Socket, ranges: readonly UidRange[]): Promise<void> => {
  const uid = await peerUid(socket);
  if (uid === undefined)
    throw forbidden(
      'the connection was closed before the agent could tell whose it is: keep it open for the response',
    );
  if (ranges.some((range) => contains(range, uid)))
    throw forbidden(`uid ${uid} is that of a guest: guests may not call the agent of their host`);
};

/**
 * Rejects connections of guests' QEMUs: a guest on network `user`, and one that took over its QEMU, could otherwise reach
 * the agent through the host's loopback. Only the first request of a connection waits.
 */
export const rejectGuests = (ranges: readonly UidRange[]): Check => {
  const known = new WeakMap<Socket, Promise<void> | 'allowed'>();
  return ({ raw: { req } }) => {
    const { socket } = req;
    const verdict = known.get(socket);
    if (verdict === 'allowed') return undefined;
    if (verdict !== undefined) return verdict;
    if (!isLocalPeer(socket)) {
      known.set(socket, 'allowed');
      return undefined;
    }
    const pending = requireOtherUid(socket, ranges).then(() => void known.set(socket, 'allowed'));
    known.set(socket, pending);
    return pending;
  };
};
