import { randomBytes } from 'node:crypto';
import type { ServiceConfig } from '../../config/schema.js';
import { AgentError, errorMessage } from '../../errors.js';
import { readSecretFile } from '../../files/secret-file.js';
import { describeAddress, type ServiceAddress } from '../../rpc/protocol/service-address.js';

const SECRET_BYTES = 32;

/** The secrets that sub-agents expect in calls, by address: services that share an address are one sub-agent. */
export class Secrets {
  readonly #secrets = new Map<string, string>();

  /**
   * Generates a secret for every port on which the agent starts a sub-agent, because any local user can connect to a
   * port, and reads the secret files of sub-agents that the agent does not start.
   * @throws {AgentError} `invalid` when a file cannot be used
   */
  static async load(services: ReadonlyMap<string, ServiceConfig>): Promise<Secrets> {
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
