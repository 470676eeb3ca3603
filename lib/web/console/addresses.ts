import { MistifyError } from '../../client/errors.js';
import { path } from '../../client/path.js';
import type { Guest } from '../../model/guest.js';
import type { GuestAddress } from '../../model/guest-addresses.js';
import { isOn } from '../../model/intent.js';
import { get, pages } from './api.js';
import { store } from './store.js';

const INTERVAL_MS = 10_000;
const PAGE = 1000;
const NOT_FOUND = 404;

const NONE: readonly GuestAddress[] = [];

/** The addresses of the guests. No event reports them, so the page reads them again and again while it is visible. */
class KnownAddresses {
  #found = new Map<string, readonly GuestAddress[]>();
  /** The guest whose addresses to read; those of all guests when absent. */
  #guest: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isRunning = false;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#readSoon());
  }

  /** @param guest the only guest, one that is loaded, to ask right now; by default all, as the agent last learned */
  start(guest?: string): void {
    this.#guest = guest;
    this.#isRunning = true;
    this.#readSoon();
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /** Returns the addresses of a guest, the best source first; the same array as long as they do not change. */
  of(guest: string): readonly GuestAddress[] {
    return this.#found.get(guest) ?? NONE;
  }

  #readSoon(): void {
    clearTimeout(this.#timer);
    if (this.#isRunning && document.visibilityState === 'visible') void this.#read();
  }

  async #read(): Promise<void> {
    try {
      if (this.#guest === undefined) await this.#readAll();
      else await this.#readOf(this.#guest);
      store.touch('addresses');
    } catch (error) {
      // The config has no such action, or the guest is gone.
      if (error instanceof MistifyError && error.status === NOT_FOUND) return this.stop();
      // Other parts of the page show what is wrong. What is known already stays.
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#readSoon(), INTERVAL_MS);
  }

  async #readAll(): Promise<void> {
    const seen = new Set<string>();
    for await (const page of pages<Pick<Guest, 'id' | 'addresses'>>('/guests', PAGE, {
      fields: 'id,addresses',
    }))
      for (const { id, addresses = NONE } of page) {
        this.#set(id, addresses);
        seen.add(id);
      }
    for (const id of this.#found.keys()) if (!seen.has(id)) this.#found.delete(id);
  }

  async #readOf(id: string): Promise<void> {
    const guest = store.guests.get(id);
    const isAsked = guest !== undefined && isOn(guest);
    this.#set(id, isAsked ? await get<GuestAddress[]>(path`/guests/${id}/addresses`) : NONE);
  }

  #set(guest: string, addresses: readonly GuestAddress[]): void {
    if (JSON.stringify(this.of(guest)) !== JSON.stringify(addresses)) this.#found.set(guest, addresses);
  }
}

export const knownAddresses = new KnownAddresses();
