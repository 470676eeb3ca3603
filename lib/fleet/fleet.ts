import { readFile } from 'node:fs/promises';
import type { FleetConfig } from '../config/fleet.js';
import { AgentError, errorMessage, invalid } from '../errors.js';
import { EtcdClient } from '../etcd/client.js';
import type { EtcdOptions } from '../etcd/connection.js';
import { EtcdError } from '../etcd/errors.js';
import { remove, unchangedSince } from '../etcd/kv.js';
import type { Mirror } from '../etcd/mirror.js';
import type { Logger } from '../log.js';
import type { FleetHost, FleetHostDetails, HostRecord } from '../model/fleet-host.js';
import { openIdentity, saveIdentity } from './identity.js';
import { type AliveRecord, type FleetKeys, keysOf } from './keys.js';
import { LEASE_TTL, Membership } from './membership.js';
import { ping } from './ping.js';

export interface FleetOptions {
  config: FleetConfig;
  /** The directory of the agent's state. */
  dbpath: string;
  /** Says what the host has now, but for its id, name, address and labels. */
  describe: () => Promise<Omit<HostRecord, 'id' | 'name' | 'address' | 'labels'>>;
  hostName: string;
  log: Logger;
}

const DEFAULT_NAME = 'default';

const hostNotFound = (id: string): AgentError =>
  new AgentError('not_found', `host ${id}: not found in the fleet`);

/** Words why a host could not be forgotten, or may have been. */
const notForgotten = (id: string, error: unknown): unknown => {
  if (!(error instanceof EtcdError)) return error;
  const what =
    error.kind === 'unknown-outcome'
      ? `host ${id} may have been forgotten, or not: list the hosts, and try again`
      : `host ${id} was not forgotten`;
  return new AgentError('unavailable', `${what} (${error.message})`, { retryAfter: 5 });
};

const readTls = async ({ tls }: FleetConfig): Promise<EtcdOptions['tls']> => {
  if (tls === undefined) return undefined;
  const read = (key: 'ca' | 'cert' | 'key'): Promise<Buffer> =>
    readFile(tls[key]).catch((error: unknown) => {
      throw invalid(`fleet.tls.${key}: ${errorMessage(error)}`);
    });
  const [ca, cert, key] = await Promise.all([read('ca'), read('cert'), read('key')]);
  return { ca, cert, key };
};

/** The fleet as this host's agent sees it. */
export class Fleet {
  readonly #client: EtcdClient;
  readonly #keys: FleetKeys;
  readonly #mirror: Mirror;
  readonly #membership: Membership;
  /** When agents went, by the ids of their hosts. */
  readonly #goneSince = new Map<string, string>();
  /** Since when etcd has not answered; absent while it does. */
  #silentSince: string | undefined = new Date().toISOString();
  #closing: Promise<void> | undefined;
  #silence = 'it has not answered since the start';

  private constructor(
    client: EtcdClient,
    keys: FleetKeys,
    log: Logger,
    member: (client: EtcdClient) => Membership,
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#mirror = client.mirror(keys.root, {
      changed: (key, entry) => this.#noteChange(key, entry === undefined),
      inTouch: () => {
        this.#silentSince = undefined;
        log.info('in touch with the etcd of the fleet');
      },
      outOfTouch: (reason) => {
        this.#silentSince = new Date().toISOString();
        this.#silence = reason;
        log.warn(`out of touch with the etcd of the fleet, retrying: ${reason}`);
      },
    });
    this.#membership = member(client);
  }

  /**
   * Begins to join the fleet of the config, and returns at once: guests do not wait for etcd.
   * @throws {AgentError} `invalid` for files that cannot be read, `conflict` for an identity of a newer version
   */
  static async open({ config, dbpath, describe, hostName, log }: FleetOptions): Promise<Fleet> {
    const { endpoints = [], name = DEFAULT_NAME, address, labels = {} } = config;
    const identity = await openIdentity(dbpath);
    const client = new EtcdClient({ endpoints, tls: await readTls(config) });
    const keys = keysOf(name);
    const own = { id: identity.id, name: config.host ?? hostName, ...(address ? { address } : {}), labels };
    return new Fleet(
      client,
      keys,
      log,
      () =>
        new Membership({
          ...{ client, keys, log },
          earlierLease: identity.lease,
          describe: async () => ({ ...own, ...(await describe()) }),
          keepLease: (lease) => saveIdentity(dbpath, { id: identity.id, lease }),
        }),
    );
  }

  /** What is wrong, in sentences. Guests run on meanwhile. */
  problems(): string[] {
    const { problem } = this.#membership;
    return [
      ...(this.#silentSince === undefined ? [] : [this.#silentText()]),
      ...(problem === undefined ? [] : [`this host is not a member of its fleet: ${problem}`]),
    ];
  }

  /** Lists the hosts by name. @throws {AgentError} `unavailable` while etcd does not answer */
  hosts(): FleetHost[] {
    this.#requireTouch();
    const hosts = [...this.#mirror.entries]
      .filter(([key]) => key.startsWith(this.#keys.hosts))
      .map(([, { value }]) => this.#hostOf(JSON.parse(value) as HostRecord));
    return hosts.sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
  }

  /**
   * Returns a host and what tells whether it is there: its lease, and an attempt to reach its agent.
   * @throws {AgentError} `unavailable` while etcd does not answer, `not_found`
   */
  async host(id: string): Promise<FleetHostDetails> {
    const host = this.hosts().find((each) => each.id === id);
    if (host === undefined) throw hostNotFound(id);
    const lease = this.#mirror.entries.get(this.#keys.aliveOf(id))?.lease;
    const [time, answer] = await Promise.all([
      lease === undefined ? undefined : this.#client.timeOf(lease).catch(() => undefined),
      host.address === undefined ? undefined : ping(host.address),
    ]);
    return { ...host, evidence: { ...(time ? { lease: time } : {}), ...(answer ? { ping: answer } : {}) } };
  }

  /**
   * Forgets a host that will not return.
   * @returns what was known of it
   * @throws {AgentError} `not_found`, `conflict` while its agent is there, `unavailable` while etcd does not answer
   */
  async forget(id: string): Promise<FleetHost> {
    this.#requireTouch();
    const key = this.#keys.host(id);
    const entry = this.#mirror.entries.get(key);
    if (entry === undefined) throw hostNotFound(id);
    const gone = await this.#client.values
      .change(
        [unchangedSince(key, entry.revision), unchangedSince(this.#keys.aliveOf(id), '0')],
        [remove(key)],
      )
      .catch((error: unknown) => {
        throw notForgotten(id, error);
      });
    if (!gone)
      throw new AgentError(
        'conflict',
        `host ${id} is in the fleet: stop its agent, wait ${LEASE_TTL} s, and try again`,
      );
    return this.#hostOf(JSON.parse(entry.value) as HostRecord);
  }

  /** Leaves the fleet. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#mirror.close();
    await this.#membership.close();
    this.#client.close();
  }

  #hostOf(record: HostRecord): FleetHost {
    const alive = this.#mirror.entries.get(this.#keys.aliveOf(record.id));
    if (alive !== undefined)
      return { ...record, state: 'present', since: (JSON.parse(alive.value) as AliveRecord).since };
    const since = this.#goneSince.get(record.id);
    return { ...record, state: 'absent', ...(since === undefined ? {} : { since }) };
  }

  #noteChange(key: string, isGone: boolean): void {
    if (!key.startsWith(this.#keys.alive)) return;
    const id = key.slice(this.#keys.alive.length);
    if (isGone) this.#goneSince.set(id, new Date().toISOString());
    else this.#goneSince.delete(id);
  }

  #silentText(): string {
    return `the etcd of the fleet has been out of reach since ${this.#silentSince}: ${this.#silence}`;
  }

  #requireTouch(): void {
    if (this.#silentSince !== undefined)
      throw new AgentError('unavailable', `fleet_unreachable: ${this.#silentText()}; guests run on`, {
        retryAfter: 5,
      });
  }
}
