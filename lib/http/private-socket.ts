import type { Server } from '@hapi/hapi';

/** Only the owner may connect. */
export const OWNER_ONLY = 0o600;

/**
 * Starts a server on a unix socket that has its mode from the moment it exists. The umask belongs to the whole process,
 * so it is restored before any other code runs.
 */
export const startOnSocket = async (server: Server, mode: number = OWNER_ONLY): Promise<void> => {
  await server.initialize();
  const umask = process.umask(0o777 & ~mode);
  const started = server.start();
  process.umask(umask);
  await started;
};
