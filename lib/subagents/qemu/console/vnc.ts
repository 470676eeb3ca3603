import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestPaths } from '../layout.js';

/**
 * Connects to a guest's screen through the socket on which its VNC server requires no password.
 * @throws {Refusal} when the guest is off
 */
export const openVnc = async ({ id, vnc }: GuestPaths): Promise<Socket> => {
  const socket = createConnection({ path: vnc });
  try {
    await once(socket, 'connect');
  } catch {
    throw new Refusal('conflict', `guest ${id} is off and has no screen: start it first`);
  }
  return socket.setNoDelay();
};
