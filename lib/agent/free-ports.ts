import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/load.js';
import { AgentError } from '../errors.js';

const POLL_MS = 100;

const isTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const settle = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });

/**
 * Waits until nothing listens on the ports of the services that the agent is about to start: it would take another
 * agent's sub-agents for its own.
 * @param ms milliseconds that the sub-agents of an agent that was killed get to end
 * @throws {AgentError} `conflict` that names the service and its port
 */
export const requireFreePorts = async ({ services }: Config, ms: number): Promise<void> => {
  const giveUpAt = Date.now() + ms;
  for (const [name, { port, command }] of services) {
    if (command === undefined) continue;
    while (await isTaken(port)) {
      if (Date.now() > giveUpAt) {
        const what = `something listens on port ${port} (services.${name}.port) already`;
        throw new AgentError('conflict', `${what}: stop it, or choose another port in the config`);
      }
      await delay(POLL_MS);
    }
  }
};
