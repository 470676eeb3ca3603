import type { Config } from '../../config/load.js';
import { enumerate } from '../../model/enumerate.js';
import { describeAddress } from '../../rpc/protocol/service-address.js';

/** What a sub-agent looks after, by an action that only such a one takes part in. */
const PURPOSES = [
  ['start', 'virtual machines'],
  ['containerStart', 'containers'],
  ['fetchImage', 'images and disks'],
  ['listBackups', 'backups'],
] as const;

/** A part of the host: what a sub-agent looks after, and its services in the config. */
export interface Part {
  /** In words, by the actions of the config; a sub-agent of another kind has the names of its services. */
  name: string;
  services: string[];
}

/** Names what each sub-agent of the config looks after. */
export const partsOf = ({ services, actions }: Config): Part[] => {
  const byAddress = new Map<string, string[]>();
  for (const [name, service] of services) {
    const address = describeAddress(service);
    byAddress.set(address, [...(byAddress.get(address) ?? []), name]);
  }
  return [...byAddress.values()].map((names) => {
    const purposes = PURPOSES.filter(([action]) =>
      actions.get(action)?.stages.some(({ service }) => names.includes(service)),
    ).map(([, words]) => words);
    return { name: enumerate(purposes.length > 0 ? purposes : names), services: names };
  });
};
