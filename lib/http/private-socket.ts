import { chmod } from 'node:fs/promises';
import type { Server } from '@hapi/hapi';

/** Only the owner may connect. */
export const OWNER_ONLY = 0o600;

// Only a user who may write to a socket can connect to it, so with this mask a new socket is the owner's alone. The mask
// belongs to the whole process, where files are created on other threads at any time: it is changed once, at the start.
const GROUP_AND_OTHERS_WRITE = 0o022;
process.umask(process.umask(0o077) | GROUP_AND_OTHERS_WRITE);

/** Starts a server on a unix socket. Until the socket has its mode, only the owner can connect. */
export const startOnSocket = async (server: Server, mode: number = OWNER_ONLY): Promise<void> => {
  await server.start();
  const { port } = server.settings;
  if (typeof port === 'string') await chmod(port, mode);
};
