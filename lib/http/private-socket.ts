import type { Server } from '@hapi/hapi';

/** For the owner alone. */
export const OWNER_ONLY = 0o600;

/**
 * Starts a server that is to listen on a unix socket to which nobody but whom `mode` lets may connect, from the moment
 * that it is there. The umask is the whole process': it is put back before anything else gets to run.
 */
export const startOnSocket = async (server: Server, mode: number = OWNER_ONLY): Promise<void> => {
  await server.initialize();
  const umask = process.umask(0o777 & ~mode);
  const started = server.start();
  process.umask(umask);
  await started;
};
