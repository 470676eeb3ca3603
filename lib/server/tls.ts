import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/server.js';
import { errorMessage, invalid } from '../errors.js';
import type { Logger } from '../log.js';

/** How often the files are checked for changes, in milliseconds. */
const POLL_MS = 5000;

/**
 * Reads the certificate, its key and the clients' authority.
 * @throws {AgentError} `invalid` when a file cannot be read or used
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
    throw invalid(`server.tls cannot be used: ${errorMessage(error)}`);
  }
};

/** The part of an HTTPS listener that takes new certificates. */
export interface SecureListener {
  setSecureContext(options: SecureContextOptions): void;
}

/**
 * Reloads the certificates when their files change, and on SIGHUP. Unusable ones are logged and not served.
 * @returns stops watching
 */
export const reloadTls = (listener: SecureListener, config: TlsConfig, log: Logger): (() => void) => {
  const files = [config.cert, config.key, ...(config.client_ca ? [config.client_ca] : [])];
  const reload = (): void => {
    readTls(config).then(
      (options) => {
        listener.setSecureContext(options);
        log.info('TLS certificates reloaded');
      },
      (error: unknown) =>
        log.error(`TLS certificates not reloaded, still serving the old ones: ${errorMessage(error)}`),
    );
  };
  for (const file of files) watchFile(file, { interval: POLL_MS, persistent: false }, reload);
  process.on('SIGHUP', reload);
  return () => {
    for (const file of files) unwatchFile(file, reload);
    process.off('SIGHUP', reload);
  };
};
