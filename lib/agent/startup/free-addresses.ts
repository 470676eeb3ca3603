import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/load.js';
import { AgentError, errorMessage } from '../../errors.js';
import { describeAddress, isListening, removeStaleSocket } from '../../rpc/protocol/service-address.js';

const POLL_MS = 100;

/**
 * Waits until the addresses of the services that the agent is about to start are free. Otherwise the agent would use
 * another agent's sub-agents as its own.
 * @param ms milliseconds to wait for the sub-agents of a killed agent to exit
 * @throws {AgentError} `conflict`, naming the service and its address
 */
export const requireFreeAddresses = async ({ services }: Config, ms: number): Promise<void> => {
  const giveUpAt = performance.now() + ms;
  for (const [name, service] of services) {
    if (service.command === undefined) continue;
    const kind = 'port' in service ? 'port' : 'socket';
    while (await isListening(service)) {
      if (performance.now() > giveUpAt) {
        const what = `${describeAddress(service)} (services.${name}.${kind}) is in use by another process`;
        throw new AgentError('conflict', `${what}: stop it, or configure another ${kind}`);
      }
      await delay(POLL_MS);
    }
    await removeStaleSocket(service).catch((error: unknown) => {
      throw new AgentError('conflict', `services.${name}.socket: ${errorMessage(error)}`);
    });
  }
};
