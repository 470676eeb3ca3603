import { randomBytes } from 'node:crypto';
import type { ServiceConfig } from '../../config/schema.js';
import { AgentError, errorMessage } from '../../errors.js';
import { readSecretFile } from '../../files/secret-file.js';
import { describeAddress, type ServiceAddress } from '../../rpc/protocol/service-address.js';

const SECRET_BYTES = 32;

/** The secrets that sub-agents want to see, by address: several services may be one sub-agent. */
export class Secrets {
  readonly #secrets = new Map<string, string>();

  /**
   * Makes a fresh secret for every port on which the agent starts a sub-agent, for any local user can connect to it,
   * and reads the files of those that somebody else starts.
   * @throws {AgentError} `invalid` when a file cannot be used
   */
  static async of(services: ReadonlyMap<string, ServiceConfig>): Promise<Secrets> {
    const secrets = new Secrets();
    for (const [name, service] of services) {
      const { command, secret_file: file } = service;
      if (file !== undefined) {
        const secret = await readSecretFile(file).catch((error: unknown) => {
          throw new AgentError('invalid', `services.${name}.secret_file: ${errorMessage(error)}`);
        });
        secrets.#secrets.set(describeAddress(service), secret);
      } else if (command !== undefined && 'port' in service) {
        secrets.#secrets.set(describeAddress(service), randomBytes(SECRET_BYTES).toString('base64url'));
      }
    }
    return secrets;
  }

  get(address: ServiceAddress): string | undefined {
    return this.#secrets.get(describeAddress(address));
  }
}
