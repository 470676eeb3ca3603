import type { ExecutionContext } from 'ava';
import type { ConfigFile } from '../../lib/config/schema.js';
import { type RealAgent, startRealAgent } from './real-agent.js';

/** Starts an agent with the default config and the engine at `socket`. */
export const startContainerAgent = (
  t: ExecutionContext,
  socket: string,
  changed: ConfigFile['actions'] = {},
): Promise<RealAgent> =>
  startRealAgent(t, ({ services, actions, ...config }: ConfigFile) => {
    const container = { ...services.container, command: ['mistify-container', '--engine', socket] };
    return {
      ...config,
      actions: { ...actions, ...changed },
      services: { ...services, container },
    } as ConfigFile;
  });
