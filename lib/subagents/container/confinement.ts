import type { HostConfig } from 'dockerode';
import type { Metadata } from '../../model/guest.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { type Policy, parseCapability } from './policy.js';

const ALL = 'ALL';

const refuse = (key: string, why: string): never => {
  throw new Refusal('invalid', `metadata ${key} ${why}`);
};

/** Reads a list of capabilities, separated by commas or spaces. */
const readCapabilities = (key: string, text = ''): string[] =>
  text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((word) => {
      if (key === 'cap-drop' && word.toUpperCase() === ALL) return ALL;
      return (
        parseCapability(word) ?? refuse(key, `names ${word}, which is no capability: see capabilities(7)`)
      );
    });

const capabilitiesOf = (metadata: Metadata, { capabilities, allowedCapabilities }: Policy): string[] => {
  const added = readCapabilities('cap-add', metadata['cap-add']);
  for (const name of added)
    if (!capabilities.includes(name) && !allowedCapabilities.includes(name))
      refuse(
        'cap-add',
        `asks for ${name}, which guests of this host may not have: leave it out, or start mistify-container with ` +
          `--allow-capability ${name}`,
      );
  const dropped = readCapabilities('cap-drop', metadata['cap-drop']);
  const kept = dropped.includes(ALL) ? [] : capabilities.filter((name) => !dropped.includes(name));
  return [...new Set([...kept, ...added])];
};

const pidsLimitOf = (text: string | undefined, most: number): number => {
  if (text === undefined) return most;
  const limit = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || (most > 0 && limit > most))
    refuse('pids-limit', `must be a number from 1${most > 0 ? ` to ${most}` : ' up'}, got ${text}`);
  return limit;
};

const FLAGS: ReadonlyMap<string | undefined, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

const noNewPrivileges = (text: string | undefined, policy: Policy): boolean => {
  if (text === undefined) return !policy.newPrivileges;
  return FLAGS.get(text) ?? refuse('no-new-privileges', `must be true or false, got ${text}`);
};

/**
 * Returns the settings that confine a container, equal on all engines: `HostConfig` of the Docker Engine API. Reads the
 * metadata `cap-add`, `cap-drop`, `pids-limit` and `no-new-privileges`.
 * @throws {Refusal} `invalid` when one of them is malformed, or asks for more than the policy allows
 */
export const confinement = (metadata: Metadata = {}, policy: Policy): HostConfig => {
  const pidsLimit = pidsLimitOf(metadata['pids-limit'], policy.pidsLimit);
  const isFixed = noNewPrivileges(metadata['no-new-privileges'], policy);
  return {
    CapDrop: [ALL],
    CapAdd: capabilitiesOf(metadata, policy),
    // Docker sets no limit by default, and Podman takes its own for 0.
    PidsLimit: pidsLimit === 0 ? -1 : pidsLimit,
    // Docker may set it for all containers.
    SecurityOpt: [`no-new-privileges:${isFixed}`],
  };
};
