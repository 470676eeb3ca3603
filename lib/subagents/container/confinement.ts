import type { HostConfig } from 'dockerode';
import type { ContainerSpec } from '../../model/container/spec.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { type Policy, parseCapability } from './policy.js';

const ALL = 'ALL';

const refuse = (key: keyof ContainerSpec, why: string): never => {
  throw new Refusal('invalid', `container.${key} ${why}`);
};

const readCapabilities = (key: 'capAdd' | 'capDrop', names: readonly string[] = []): string[] =>
  names.map((name) => {
    if (key === 'capDrop' && name.toUpperCase() === ALL) return ALL;
    return parseCapability(name) ?? refuse(key, `names ${name}, which is no capability: see capabilities(7)`);
  });

const capabilitiesOf = (
  { capAdd, capDrop }: ContainerSpec,
  { capabilities, allowedCapabilities }: Policy,
): string[] => {
  const added = readCapabilities('capAdd', capAdd);
  for (const name of added)
    if (!capabilities.includes(name) && !allowedCapabilities.includes(name))
      refuse(
        'capAdd',
        `asks for ${name}, which guests of this host may not have: leave it out, or start mistify-container with ` +
          `--allow-capability ${name}`,
      );
  const dropped = readCapabilities('capDrop', capDrop);
  const kept = dropped.includes(ALL) ? [] : capabilities.filter((name) => !dropped.includes(name));
  return [...new Set([...kept, ...added])];
};

const pidsLimitOf = ({ pidsLimit }: ContainerSpec, most: number): number => {
  if (pidsLimit === undefined) return most;
  if (most > 0 && pidsLimit > most)
    refuse(
      'pidsLimit',
      `must be a number from 1 to ${most}, got ${pidsLimit}: start mistify-container with a higher --pids-limit to allow more`,
    );
  return pidsLimit;
};

/**
 * Returns the settings that confine a container, equal on all engines: `HostConfig` of the Docker Engine API.
 * @throws {Refusal} `invalid` when the guest asks for more than the policy allows, or for a capability that Linux lacks
 */
export const confinement = (spec: ContainerSpec = {}, policy: Policy): HostConfig => {
  const pidsLimit = pidsLimitOf(spec, policy.pidsLimit);
  return {
    CapDrop: [ALL],
    CapAdd: capabilitiesOf(spec, policy),
    // Docker sets no limit by default, and Podman takes its own for 0.
    PidsLimit: pidsLimit === 0 ? -1 : pidsLimit,
    // Docker may set it for all containers.
    SecurityOpt: [`no-new-privileges:${spec.noNewPrivileges ?? !policy.newPrivileges}`],
  };
};
