import type { Context } from '../../lib/agent/context.js';
import { notConfigured } from '../../lib/errors.js';

export interface HostParams {
  hostID: string;
}

/** @throws {AgentError} `not_found` when the config names no fleet */
export const requireFleet = (fleet: Context['fleet']): NonNullable<Context['fleet']> => {
  if (fleet === undefined) throw notConfigured('fleet');
  return fleet;
};
