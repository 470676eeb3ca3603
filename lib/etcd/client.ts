import { Connection, type EtcdOptions } from './connection.js';
import { KeyValues } from './kv.js';
import { Lease } from './lease.js';
import { Mirror, type MirrorEvents } from './mirror.js';
import type { Int64 } from './schema.js';

/** What is left of a lease, in seconds. */
export interface LeaseTime {
  ttl: number;
  left: number;
}

/**
 * A client of etcd 3.4 and newer. Every call has a deadline; reads are repeated at other members, changes never. The npm
 * package etcd3 has neither deadlines nor a way to notice a member without a leader (docs/fleet.md).
 */
export class EtcdClient {
  readonly values: KeyValues;
  readonly #connection: Connection;

  constructor(options: EtcdOptions) {
    this.#connection = new Connection(options);
    this.values = new KeyValues(this.#connection);
  }

  /** @throws {EtcdError} `unavailable` or `refused` */
  grant(ttlSeconds: number): Promise<Lease> {
    return Lease.grant(this.#connection, ttlSeconds);
  }

  /** Reads what is left of a lease, which may be another client's; `undefined` when it has ended. */
  async timeOf(lease: Int64): Promise<LeaseTime | undefined> {
    const { TTL, grantedTTL } = await this.#connection.call<{ TTL: Int64; grantedTTL: Int64 }>(
      'Lease',
      'LeaseTimeToLive',
      { ID: lease },
    );
    return Number(TTL) < 0 ? undefined : { ttl: Number(grantedTTL), left: Number(TTL) };
  }

  /** Revokes a lease of an earlier run. @throws {EtcdError} */
  async revoke(lease: Int64): Promise<void> {
    await this.#connection.call('Lease', 'LeaseRevoke', { ID: lease });
  }

  mirror(prefix: string, events: MirrorEvents): Mirror {
    return new Mirror(this.#connection, this.values, prefix, events);
  }

  close(): void {
    this.#connection.close();
  }
}
