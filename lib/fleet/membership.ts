import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../errors.js';
import type { EtcdClient } from '../etcd/client.js';
import { EtcdError } from '../etcd/errors.js';
import { put, unchangedSince } from '../etcd/kv.js';
import type { Lease } from '../etcd/lease.js';
import type { Logger } from '../log.js';
import type { HostRecord } from '../model/fleet-host.js';
import type { AliveRecord, FleetKeys } from './keys.js';

/** Seconds until a host whose agent is gone counts as absent. */
export const LEASE_TTL = 15;
/** Before it tries to join again. */
const RETRY_MS = 2000;
/** How often the host's record is compared with what the host has. */
const REFRESH_MS = 30_000;

export interface MembershipOptions {
  client: EtcdClient;
  keys: FleetKeys;
  /** The lease of the last run. */
  earlierLease: string | undefined;
  /** Says what the host has now. */
  describe: () => Promise<HostRecord>;
  /** Keeps the lease for the next run. */
  keepLease: (lease: string) => Promise<void>;
  log: Logger;
}

/** Keeps this host a member of its fleet: its record, and a lease that says that its agent is there. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #closed = new AbortController();
  readonly #done: Promise<void>;
  #lease: Lease | undefined;
  #ownLease: string | undefined;
  #problem: string | undefined = 'it has not joined its fleet yet';
  #written = '';

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#ownLease = options.earlierLease;
    this.#done = this.#run();
  }

  /** Why the host is not a member now; `undefined` while it is. */
  get problem(): string | undefined {
    if (this.#problem === undefined && !this.#lease?.isHeld) return 'its lease has expired';
    return this.#problem;
  }

  /** Leaves the fleet: others see at once that the agent is gone. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#lease?.revoke();
    await this.#done;
    // A join that was under way may have been granted one meanwhile.
    if (this.#lease?.isHeld) await this.#lease.revoke();
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    while (!this.#closed.signal.aborted) {
      try {
        await this.#join();
        log.info('joined the fleet');
        this.#problem = undefined;
        await this.#stay();
        if (!this.#closed.signal.aborted) log.warn('the lease in the fleet was lost');
        this.#problem = 'its lease has expired';
      } catch (error) {
        const reason = errorMessage(error);
        if (reason !== this.#problem) log.warn(`the host cannot join its fleet, retrying: ${reason}`);
        this.#problem = reason;
        await this.#lease?.revoke();
      }
      await this.#pause(RETRY_MS);
    }
  }

  async #join(): Promise<void> {
    const { client, keys, describe, keepLease } = this.#options;
    const record = await describe();
    this.#closed.signal.throwIfAborted();
    const lease = await client.grant(LEASE_TTL);
    this.#lease = lease;
    const since: AliveRecord = { since: new Date().toISOString() };
    await this.#leaveEarlier(record);
    // From here on a killed agent must know the lease again.
    await keepLease(lease.id);
    const earlier = this.#ownLease;
    this.#ownLease = lease.id;
    const key = keys.aliveOf(record.id);
    const known = await client.values.get(keys.host(record.id));
    const joined = await this.#made(
      () =>
        client.values.change(
          [unchangedSince(key, '0'), unchangedSince(keys.host(record.id), known?.revision ?? '0')],
          [put(key, JSON.stringify(since), lease.id), put(keys.host(record.id), JSON.stringify(record))],
        ),
      async () => (await client.values.get(key))?.lease === lease.id,
    );
    if (!joined) {
      this.#ownLease = earlier;
      throw new Error('another change came first');
    }
    this.#written = JSON.stringify(record);
  }

  /** Removes what a killed run of this agent left. @throws when another agent has the id */
  async #leaveEarlier({ id }: HostRecord): Promise<void> {
    const { client, keys } = this.#options;
    const alive = await client.values.get(keys.aliveOf(id));
    if (alive === undefined) return;
    if (alive.lease !== this.#ownLease)
      throw new Error(
        `another agent is the host ${id} already: if this one's state is a copy of that one's, remove fleet.json from the copy and restart it`,
      );
    await client.revoke(alive.lease);
  }

  /** Keeps the record true for as long as the lease lasts. */
  async #stay(): Promise<void> {
    const lease = this.#lease as Lease;
    for (;;) {
      await Promise.race([lease.ended, this.#pause(REFRESH_MS)]);
      if (!lease.isHeld || this.#closed.signal.aborted) return;
      await this.#refresh().catch((error: unknown) => {
        this.#options.log.warn(`the host's record in the fleet was not updated: ${errorMessage(error)}`);
      });
    }
  }

  async #refresh(): Promise<void> {
    const { client, keys, describe } = this.#options;
    const record = await describe();
    const text = JSON.stringify(record);
    if (text === this.#written) return;
    const key = keys.host(record.id);
    const known = await client.values.get(key);
    const written = await this.#made(
      () => client.values.change([unchangedSince(key, known?.revision ?? '0')], [put(key, text)]),
      async () => (await client.values.get(key))?.value === text,
    );
    if (written) this.#written = text;
  }

  /** Makes a change, and reads it back when its answer was lost. */
  async #made(change: () => Promise<boolean>, isThere: () => Promise<boolean>): Promise<boolean> {
    try {
      return await change();
    } catch (error) {
      if (!(error instanceof EtcdError) || error.kind !== 'unknown-outcome') throw error;
      return isThere();
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closed.signal }).catch(() => {});
  }
}
