import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Duplex, pipeline } from 'node:stream';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestPaths } from '../layout.js';
import { SharedClient } from './shared-client.js';

/**
 * Connects to a guest's screen through the socket on which its VNC server requires no password.
 * @throws {Refusal} when the guest is off
 */
export const openVnc = async ({ id, vnc }: GuestPaths): Promise<Duplex> => {
  const socket = createConnection({ path: vnc });
  try {
    await once(socket, 'connect');
  } catch {
    throw new Refusal('conflict', `guest ${id} is off and has no screen: start it first`);
  }
  socket.setNoDelay();
  const client = new SharedClient();
  // Either end destroys the other one.
  pipeline(client, socket, () => {});
  const stream = Duplex.from({ writable: client, readable: socket });
  // It fails however the connection ends. Before a viewer listens, that would end the sub-agent.
  stream.on('error', () => {});
  return stream;
};
