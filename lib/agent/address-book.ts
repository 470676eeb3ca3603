import { isDeepStrictEqual } from 'node:util';
import pLimit, { type LimitFunction } from 'p-limit';
import { errorMessage } from '../errors.js';
import { actionName } from '../model/actions.js';
import type { Guest } from '../model/guest.js';
import type { GuestAddress } from '../model/guest-addresses.js';
import { isOn } from '../model/intent.js';
import { staticAddresses } from '../model/static-addresses.js';
import { Backoff } from '../portable/backoff.js';
import { queryAddresses } from '../runtime/actions/in-guest-actions.js';
import type { Action } from '../runtime/pipeline/action.js';
import type { Runtime } from '../runtime/runtime.js';

/**
 * The pause before the first question about a guest that runs. Each further pause is twice as long, because a guest gets
 * its addresses soon after its start, and seldom changes them later.
 */
const FIRST_MS = 1000;
const MAX_MS = 60_000;
/** How long a question may take: longer than the guest agent of a guest may. */
const RESPONSE_MS = 5000;
/** The most questions to a sub-agent at the same time. */
const MAX_QUESTIONS = 8;
/** The most addresses to keep of a guest, which decides itself how many it reports. */
const MAX_ADDRESSES = 16;

const NONE: readonly GuestAddress[] = [];

/** A running guest that is asked for its addresses. */
interface Followed {
  nics: Guest['nics'];
  backoff: Backoff;
  timer?: NodeJS.Timeout;
}

/** Cuts addresses off, those of the guest's NICs last. */
const bounded = (addresses: readonly GuestAddress[]): readonly GuestAddress[] => {
  if (addresses.length <= MAX_ADDRESSES) return addresses;
  const isOfNic = ({ nic }: GuestAddress): boolean => nic !== undefined;
  const others = addresses.filter((each) => !isOfNic(each));
  return [...addresses.filter(isOfNic), ...others].slice(0, MAX_ADDRESSES);
};

/** Returns how many questions a sub-agent gets at the same time: at most half of what it takes, so that clients have room. */
const questionsOf = ({ stages }: Action): number =>
  Math.min(MAX_QUESTIONS, ...stages.map(({ service }) => Math.ceil(service.throttle.concurrency / 2)));

/**
 * The addresses of all guests as the agent last learned them, for lists and metrics, which must not wait for a guest. It
 * asks about running guests in the background. Nothing of it is stored: addresses are no part of a guest's record, whose
 * ETag and revision do not change with them.
 */
export class AddressBook {
  readonly #runtime: Runtime;
  readonly #followed = new Map<string, Followed>();
  readonly #known = new Map<string, readonly GuestAddress[]>();
  readonly #static = new WeakMap<object, readonly GuestAddress[]>();
  readonly #listed = new WeakMap<Guest, Guest>();
  /** By the name of an action, so that a sub-agent that hangs does not delay the others. */
  readonly #limits = new Map<string, LimitFunction>();
  #isOpen = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Begins to ask about all guests that run. Without this call no address is known. */
  open(): void {
    const { guests } = this.#runtime;
    this.#isOpen = true;
    guests.onChange((change, guest) => {
      if (change === 'deleted') this.#forget(guest.id);
      else this.#review(guest);
    });
    for (const guest of guests.list()) this.#review(guest);
  }

  close(): void {
    this.#isOpen = false;
    for (const id of [...this.#followed.keys()]) this.#unfollow(id);
  }

  /**
   * Returns the known addresses of a guest, the best source first: for a guest that is off, or not asked yet, its static
   * ones. None without the action in the config. The same array as long as nothing changes.
   */
  of({ id, type, nics, state = '' }: Guest): readonly GuestAddress[] {
    if (!this.#isOpen || !this.#runtime.isConfigured(actionName(type, 'guestAddresses'))) return NONE;
    const known = isOn({ state }) ? this.#known.get(id) : undefined;
    return known ?? (nics ? this.#staticOf(nics) : NONE);
  }

  /** Returns a guest with its known addresses: the same object as long as nothing changes, so that its JSON is made once. */
  listed(guest: Guest): Guest {
    const addresses = this.of(guest);
    if (addresses.length === 0) return guest;
    const earlier = this.#listed.get(guest);
    if (earlier?.addresses === addresses) return earlier;
    const listed = { ...guest, addresses };
    this.#listed.set(guest, listed);
    return listed;
  }

  /** Notes the addresses that a guest turned out to have. */
  learn(id: string, addresses: readonly GuestAddress[]): void {
    const guest = this.#isOpen ? this.#runtime.guests.find(id) : undefined;
    const found = bounded(addresses);
    if (guest && isOn(guest) && !isDeepStrictEqual(this.#known.get(id), found)) this.#known.set(id, found);
  }

  #staticOf(nics: NonNullable<Guest['nics']>): readonly GuestAddress[] {
    const found = this.#static.get(nics) ?? staticAddresses(nics);
    this.#static.set(nics, found);
    return found;
  }

  /** Asks about a guest that has started, or whose NICs have changed, from now on. */
  #review(guest: Guest): void {
    const { id, nics } = guest;
    if (!isOn(guest)) this.#forget(id);
    else if (!this.#isAsked(guest)) this.#unfollow(id);
    else if (!this.#followed.has(id) || !isDeepStrictEqual(this.#followed.get(id)?.nics, nics)) {
      this.#unfollow(id);
      const followed = { nics, backoff: new Backoff(FIRST_MS, MAX_MS) };
      this.#followed.set(id, followed);
      this.#askLater(id, followed);
    }
  }

  #isAsked({ type, state }: Guest): boolean {
    const isConfigured = this.#runtime.isConfigured(actionName(type, 'guestAddresses'));
    return this.#isOpen && isConfigured && state === 'running';
  }

  #forget(id: string): void {
    this.#unfollow(id);
    this.#known.delete(id);
  }

  /** Asks no longer. A guest that is suspended keeps its addresses. */
  #unfollow(id: string): void {
    clearTimeout(this.#followed.get(id)?.timer);
    this.#followed.delete(id);
  }

  #askLater(id: string, followed: Followed): void {
    if (this.#followed.get(id) !== followed) return;
    followed.timer = setTimeout(() => void this.#ask(id, followed), followed.backoff.next()).unref();
  }

  async #ask(id: string, followed: Followed): Promise<void> {
    const { guests, log } = this.#runtime;
    const isFollowed = (): boolean => this.#followed.get(id) === followed;
    try {
      const { type } = guests.get(id);
      const action = this.#runtime.action(actionName(type, 'guestAddresses'));
      await this.#limitOf(action)(async () => {
        if (!isFollowed()) return;
        const signal = AbortSignal.timeout(RESPONSE_MS);
        const { result } = await queryAddresses(this.#runtime, guests.get(id), signal);
        if (isFollowed()) this.learn(id, result);
      });
    } catch (error) {
      log.debug({ guest: id }, `addresses not learned: ${errorMessage(error)}`);
    }
    this.#askLater(id, followed);
  }

  #limitOf(action: Action): LimitFunction {
    const limit = this.#limits.get(action.name) ?? pLimit(questionsOf(action));
    this.#limits.set(action.name, limit);
    return limit;
  }
}
