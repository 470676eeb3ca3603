import type { Connection } from './connection.js';
import { EtcdError } from './errors.js';
import type { Compare, Int64, KeyValue, RangeResponse, RequestOp, TxnResponse } from './schema.js';

/** Keys of one page: etcd limits a response to 4 MB by default, and a value of ours to 4 kB. */
const PAGE = 500;

/** A stored value with the revision of its last change. */
export interface Entry {
  key: string;
  value: string;
  revision: Int64;
  /** The lease that the key ends with; `0` for none. */
  lease: Int64;
}

/** All entries of a prefix, as they were at one revision of the store. */
export interface Listing {
  entries: Entry[];
  revision: Int64;
}

export const toEntry = ({ key, value, mod_revision: revision, lease }: KeyValue): Entry => ({
  key: key.toString(),
  value: value.toString(),
  revision,
  lease,
});

/** Returns the key after all keys that begin with a prefix. */
export const endOfPrefix = (prefix: string): Buffer => {
  const end = Buffer.from(prefix);
  // Prefixes are paths: their last byte, a slash, is never 0xff.
  end[end.length - 1] = (end.at(-1) as number) + 1;
  return end;
};

/** Compares the revision of a key's last change; `0` holds when there is no such key. */
export const unchangedSince = (key: string, revision: Int64): Compare => ({
  key: Buffer.from(key),
  result: 'EQUAL',
  target: 'MOD',
  mod_revision: revision,
});

export const put = (key: string, value: string, lease?: Int64): RequestOp => ({
  request_put: {
    key: Buffer.from(key),
    value: Buffer.from(value),
    ...(lease === undefined ? {} : { lease }),
  },
});

export const remove = (key: string): RequestOp => ({ request_delete_range: { key: Buffer.from(key) } });

/** Reads and changes keys. */
export class KeyValues {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Reads a key as the majority of the members have it.
   * @throws {EtcdError} `unavailable` when no member answers, or `refused`
   */
  async get(key: string): Promise<Entry | undefined> {
    const { kvs } = await this.#read({ key: Buffer.from(key) });
    return kvs[0] && toEntry(kvs[0]);
  }

  /** Lists the keys that begin with a prefix. @throws {EtcdError} as `get` does */
  async list(prefix: string): Promise<Listing> {
    const entries: Entry[] = [];
    const range_end = endOfPrefix(prefix);
    let key = Buffer.from(prefix);
    let revision: Int64 = '0';
    for (;;) {
      const page = await this.#read({ key, range_end, limit: PAGE, revision });
      if (revision === '0') revision = page.header.revision;
      entries.push(...page.kvs.map(toEntry));
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { entries, revision };
      // The least key above the last one.
      key = Buffer.concat([last.key, Buffer.from([0])]);
    }
  }

  /**
   * Makes changes together, if all comparisons hold. It is sent once: whether a change whose answer was lost has been made
   * is for the caller to read back.
   * @returns whether the comparisons held
   * @throws {EtcdError} `unknown-outcome` or `refused`
   */
  async change(compare: readonly Compare[], success: readonly RequestOp[]): Promise<boolean> {
    try {
      const { succeeded } = await this.#connection.call<TxnResponse>('KV', 'Txn', { compare, success });
      return succeeded;
    } catch (error) {
      if (error instanceof EtcdError && error.kind === 'unavailable')
        throw new EtcdError('unknown-outcome', error.message);
      throw error;
    }
  }

  /** Asks each member in turn. */
  async #read(request: object): Promise<RangeResponse> {
    for (let asked = 1; ; asked += 1) {
      try {
        return await this.#connection.call<RangeResponse>('KV', 'Range', request);
      } catch (error) {
        const isLast = asked >= this.#connection.size;
        if (isLast || !(error instanceof EtcdError) || error.kind !== 'unavailable') throw error;
      }
    }
  }
}
