import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, MemberStream } from './connection.js';
import { EtcdError } from './errors.js';
import type { Int64, KeepAliveResponse } from './schema.js';

/** How long a member may take to answer a beat. */
const BEAT_MS = 1500;
/** Before it asks the next member. */
const RETRY_MS = 100;

interface Beat {
  ID: Int64;
}

/**
 * A lease, kept alive by beats. Its keys are gone once it is lost, and it counts as lost as soon as they may be: one TTL after
 * the last answered beat was *sent*, by the monotonic clock. The members may know better, but cannot be asked in time.
 */
export class Lease {
  readonly id: Int64;
  readonly #connection: Connection;
  readonly #ttlMs: number;
  readonly #closed = new AbortController();
  /** When it may be lost, in the milliseconds of `performance.now()`. */
  #deadline: number;
  /** Resolves when the lease is lost or closed. */
  readonly ended: Promise<void>;

  private constructor(connection: Connection, id: Int64, ttlMs: number, grantedAt: number) {
    this.id = id;
    this.#connection = connection;
    this.#ttlMs = ttlMs;
    this.#deadline = grantedAt + ttlMs;
    this.ended = this.#keep();
  }

  /** @throws {EtcdError} `unavailable` or `refused` */
  static async grant(connection: Connection, ttlSeconds: number): Promise<Lease> {
    const sentAt = performance.now();
    const { ID, TTL } = await connection.call<{ ID: Int64; TTL: Int64 }>('Lease', 'LeaseGrant', {
      TTL: String(ttlSeconds),
    });
    return new Lease(connection, ID, Number(TTL) * 1000, sentAt);
  }

  /** Whether its keys are there for certain. */
  get isHeld(): boolean {
    return !this.#closed.signal.aborted && performance.now() < this.#deadline;
  }

  /** Stops the beats, and removes the lease with its keys if etcd can be reached; otherwise they expire. */
  async revoke(): Promise<void> {
    this.#closed.abort();
    await this.#connection.call('Lease', 'LeaseRevoke', { ID: this.id }).catch((error: unknown) => {
      if (!(error instanceof EtcdError)) throw error;
    });
  }

  async #keep(): Promise<void> {
    while (this.isHeld) {
      const { member } = this.#connection;
      const stream = this.#connection.open<Beat, KeepAliveResponse>('Lease', 'LeaseKeepAlive');
      try {
        if (await this.#beatOn(stream)) return;
      } finally {
        stream.close();
      }
      this.#connection.leave(member);
      await this.#pause(RETRY_MS);
    }
    this.#closed.abort();
  }

  /**
   * Sends beats on one stream until one is not answered.
   * @returns whether the lease has ended
   */
  async #beatOn(stream: MemberStream<Beat, KeepAliveResponse>): Promise<boolean> {
    while (this.isHeld) {
      const sentAt = performance.now();
      const ttl = await this.#beat(stream);
      if (ttl === undefined) return false;
      if (ttl <= 0) {
        this.#closed.abort();
        return true;
      }
      this.#deadline = sentAt + ttl * 1000;
      await this.#pause(this.#ttlMs / 4);
    }
    return !this.isHeld;
  }

  /** @returns the seconds that the lease now has, or `undefined` without an answer */
  async #beat({ stream, write }: MemberStream<Beat, KeepAliveResponse>): Promise<number | undefined> {
    return new Promise((resolve) => {
      const settle = (ttl: number | undefined): void => {
        clearTimeout(timer);
        stream.removeAllListeners();
        // An ended stream reports its error once more when it is closed.
        stream.on('error', () => {});
        resolve(ttl);
      };
      const timer = setTimeout(settle, BEAT_MS, undefined);
      stream.once('data', ({ TTL }: KeepAliveResponse) => settle(Number(TTL)));
      stream.once('error', () => settle(undefined));
      stream.once('end', () => settle(undefined));
      write({ ID: this.id });
    });
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closed.signal }).catch(() => {});
  }
}
