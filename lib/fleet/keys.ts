/** The keys of a fleet in etcd: docs/fleet.md. All values are JSON. */
export interface FleetKeys {
  /** Begins all keys of the fleet. */
  root: string;
  /** What hosts say of themselves: `HostRecord`. */
  hosts: string;
  /** The agents that are there, each with its lease: `AliveRecord`. */
  alive: string;
  host(id: string): string;
  aliveOf(id: string): string;
}

/** What an agent that is there says, beside its lease. */
export interface AliveRecord {
  /** When it joined, RFC 3339. */
  since: string;
}

export const keysOf = (fleet: string): FleetKeys => {
  const root = `/mistify/${fleet}/`;
  const [hosts, alive] = [`${root}hosts/`, `${root}alive/`];
  return { root, hosts, alive, host: (id) => `${hosts}${id}`, aliveOf: (id) => `${alive}${id}` };
};
