import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../errors.js';
import type { Connection, MemberStream } from './connection.js';
import { type Entry, endOfPrefix, type KeyValues, toEntry } from './kv.js';
import type { Int64, WatchResponse } from './schema.js';

/** How often an idle watch asks for a sign of life. */
const PROGRESS_MS = 2000;
/** After so much silence the member has hung, or is cut off from the others. */
const SILENCE_MS = 5000;
/** Before it asks the next member. */
const RETRY_MS = 200;

/** What happens to a mirror. */
export interface MirrorEvents {
  /** An entry came, changed or, as `undefined`, went. */
  changed(key: string, entry: Entry | undefined): void;
  /** The mirror has caught up with the store, for the first time or after it was out of touch. */
  inTouch(): void;
  /** The mirror may be behind from now on. */
  outOfTouch(reason: string): void;
}

type Ending = 'compacted' | 'closed' | { reason: string };

const isAfter = (revision: Int64, known: Int64): boolean => BigInt(revision) > BigInt(known);

/**
 * A copy of the entries below a prefix, which follows the store. When a member hangs, or loses its leader, the watch resumes
 * at another one where it was; when etcd has compacted what it missed, it lists the entries again and reports the differences.
 */
export class Mirror {
  readonly #connection: Connection;
  readonly #values: KeyValues;
  readonly #prefix: string;
  readonly #events: MirrorEvents;
  readonly #entries = new Map<string, Entry>();
  readonly #closed = new AbortController();
  /** The revision up to which the copy is complete; absent before the first listing, and after a compaction. */
  #revision: Int64 | undefined;
  #isInTouch = false;

  constructor(connection: Connection, values: KeyValues, prefix: string, events: MirrorEvents) {
    this.#connection = connection;
    this.#values = values;
    this.#prefix = prefix;
    this.#events = events;
    void this.#follow();
  }

  /** The entries by their keys. They are current while the mirror is in touch. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  close(): void {
    this.#closed.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        await this.#listIfNeeded();
        if (signal.aborted) return;
        const ending = await this.#watch();
        if (ending === 'compacted') this.#revision = undefined;
        else if (ending !== 'closed') this.#lose(ending.reason);
      } catch (error) {
        // What was to be listed may have been compacted meanwhile.
        this.#lose(errorMessage(error));
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #listIfNeeded(): Promise<void> {
    if (this.#revision !== undefined) return;
    const { entries, revision } = await this.#values.list(this.#prefix);
    const listed = new Set(entries.map(({ key }) => key));
    for (const key of [...this.#entries.keys()]) if (!listed.has(key)) this.#set(key, undefined);
    for (const entry of entries)
      if (this.#entries.get(entry.key)?.revision !== entry.revision) this.#set(entry.key, entry);
    this.#revision = revision;
    this.#find();
  }

  /** Follows the store at one member until that fails. */
  async #watch(): Promise<Ending> {
    const { member } = this.#connection;
    const watch = this.#connection.open<object, WatchResponse>('Watch', 'Watch');
    const ending = await this.#endOf(watch);
    watch.close();
    if (typeof ending === 'object') this.#connection.leave(member);
    return ending;
  }

  #endOf({ stream, write }: MemberStream<object, WatchResponse>): Promise<Ending> {
    return new Promise((resolve) => {
      let heardAt = performance.now();
      const end = (ending: Ending): void => {
        clearInterval(timer);
        this.#closed.signal.removeEventListener('abort', onClose);
        resolve(ending);
      };
      const onClose = (): void => end('closed');
      const timer = setInterval(() => {
        if (performance.now() - heardAt > SILENCE_MS)
          end({ reason: `etcd has been silent for ${SILENCE_MS / 1000} s` });
        else write({ progress_request: {} });
      }, PROGRESS_MS);
      this.#closed.signal.addEventListener('abort', onClose);
      stream.on('data', (response: WatchResponse) => {
        heardAt = performance.now();
        if (response.compact_revision !== '0') end('compacted');
        else if (response.canceled) end({ reason: `etcd ended the watch: ${response.cancel_reason}` });
        else this.#apply(response);
      });
      stream.on('error', (error) => end({ reason: errorMessage(error) }));
      stream.on('end', () => end({ reason: 'etcd closed the watch' }));
      write({
        create_request: {
          key: Buffer.from(this.#prefix),
          range_end: endOfPrefix(this.#prefix),
          // From the last revision that it knows: etcd 3.4.23, for one, lets a watch start at the revision of a
          // compaction, which has dropped the removals of that revision (etcd-io/etcd#18089).
          start_revision: this.#revision,
        },
      });
    });
  }

  #apply({ created, events }: WatchResponse): void {
    for (const { type, kv } of events) {
      const entry = toEntry(kv);
      // A watch that resumed repeats what came with the revision that it resumed at.
      const known = this.#entries.get(entry.key)?.revision ?? '0';
      if (isAfter(entry.revision, known)) this.#set(entry.key, type === 'PUT' ? entry : undefined);
      if (isAfter(entry.revision, this.#revision ?? '0')) this.#revision = entry.revision;
    }
    // The revision of a response without events is no revision to resume at: etcd before 3.4.25 and 3.5.8 may send it before
    // the events of that revision (etcd-io/etcd#15220). It is a sign of life.
    if (events.length > 0 || !created) this.#find();
  }

  #set(key: string, entry: Entry | undefined): void {
    if (entry === undefined) {
      if (!this.#entries.delete(key)) return;
    } else this.#entries.set(key, entry);
    this.#events.changed(key, entry);
  }

  #find(): void {
    if (this.#isInTouch) return;
    this.#isInTouch = true;
    this.#events.inTouch();
  }

  #lose(reason: string): void {
    if (!this.#isInTouch) return;
    this.#isInTouch = false;
    this.#events.outOfTouch(reason);
  }
}
