import type { HostConfig } from 'dockerode';
import type { ContainerSpec } from '../../model/container/spec.js';
import { MB } from '../../model/units.js';
import { Refusal } from '../../rpc/protocol/refusal.js';

const NANO = 1e9;

/** Engines take -1 for no limit. */
const NO_LIMIT = -1;

/** What a guest may use: its `memory` in MB, absent for no limit, and its `cpu`. */
interface Size {
  memory?: number;
  cpu?: number;
}

/**
 * Returns the limits of memory, swap and CPU time: `HostConfig` of the Docker Engine API.
 * @throws {Refusal} `invalid` for swap beside memory without a limit
 */
export const sizeLimits = ({ memory, cpu }: Size, { swap }: ContainerSpec): HostConfig => {
  if (memory === undefined && swap !== undefined)
    throw new Refusal(
      'invalid',
      'container.swap is swap beyond the memory, which has no limit: leave it out',
    );
  return {
    ...(memory === undefined ? {} : { Memory: memory * MB }),
    ...(memory === undefined || swap === undefined ? {} : { MemorySwap: (memory + swap) * MB }),
    ...(cpu ? { NanoCpus: Math.round(cpu * NANO) } : {}),
  };
};

/** Returns the limits of each process: `HostConfig` of the Docker Engine API. */
export const processLimits = ({ ulimits }: ContainerSpec): HostConfig => {
  if (ulimits === undefined) return {};
  const limits = Object.entries(ulimits).map(([Name, limit]) => {
    const { soft, hard } = typeof limit === 'number' ? { soft: limit, hard: limit } : limit;
    if (hard !== NO_LIMIT && (soft > hard || soft === NO_LIMIT))
      throw new Refusal('invalid', `container.ulimits.${Name} has a soft limit above the hard one: lower it`);
    return { Name, Soft: soft, Hard: hard };
  });
  return { Ulimits: limits };
};
