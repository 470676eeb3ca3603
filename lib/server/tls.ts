import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server as TlsServer } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/server.js';
import { AgentError, errorMessage } from '../errors.js';
import type { Logger } from '../log.js';

/** Between two looks at the files, in milliseconds. */
const LOOK_MS = 5000;

/**
 * Reads the certificates.
 * @throws {AgentError} `invalid` when they cannot be used
 */
export const readTls = async ({ cert, key, client_ca }: TlsConfig): Promise<SecureContextOptions> => {
  try {
    const options = {
      cert: await readFile(cert),
      key: await readFile(key),
      ...(client_ca ? { ca: await readFile(client_ca) } : {}),
      minVersion: 'TLSv1.2' as const,
    };
    createSecureContext(options);
    return options;
  } catch (error) {
    throw new AgentError('invalid', `server.tls cannot be used: ${errorMessage(error)}`);
  }
};

/**
 * Serves with new certificates when the files change, or when told so by SIGHUP. Those that cannot be used are not.
 * @returns ends it
 */
export const reloadTls = (listener: TlsServer, config: TlsConfig, log: Logger): (() => void) => {
  const files = [config.cert, config.key, ...(config.client_ca ? [config.client_ca] : [])];
  const reload = (): void => {
    readTls(config).then(
      (options) => {
        listener.setSecureContext(options);
        log.info('serving with the certificates as they are now');
      },
      (error: unknown) => log.error(`still serving with the old certificates: ${errorMessage(error)}`),
    );
  };
  for (const file of files) watchFile(file, { interval: LOOK_MS, persistent: false }, reload);
  process.on('SIGHUP', reload);
  return () => {
    for (const file of files) unwatchFile(file, reload);
    process.off('SIGHUP', reload);
  };
};
