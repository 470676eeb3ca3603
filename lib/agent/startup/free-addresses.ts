import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/load.js';
import { AgentError, errorMessage } from '../../errors.js';
import { describeAddress, isListening, removeStaleSocket } from '../../rpc/protocol/service-address.js';

const POLL_MS = 100;

/**
 * Waits until nothing listens at the addresses of the services that the agent is about to start: it would take another
 * agent's sub-agents for its own.
 * @param ms milliseconds that the sub-agents of an agent that was killed get to end
 * @throws {AgentError} `conflict` that names the service and its address
 */
export const requireFreeAddresses = async ({ services }: Config, ms: number): Promise<void> => {
  const giveUpAt = Date.now() + ms;
  for (const [name, service] of services) {
    if (service.command === undefined) continue;
    const kind = 'port' in service ? 'port' : 'socket';
    while (await isListening(service)) {
      if (Date.now() > giveUpAt) {
        const what = `something listens on ${describeAddress(service)} (services.${name}.${kind}) already`;
        throw new AgentError('conflict', `${what}: stop it, or choose another ${kind} in the config`);
      }
      await delay(POLL_MS);
    }
    await removeStaleSocket(service).catch((error: unknown) => {
      throw new AgentError('conflict', `services.${name}.socket: ${errorMessage(error)}`);
    });
  }
};
