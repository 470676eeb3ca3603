import { EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { GuestDetails, GuestState } from '../protocol/sub-agent-events.js';

interface Changes {
  changed: [GuestState];
  removed: [string];
}

/**
 * The states of the guests that a sub-agent runs. Revisions are microseconds since 1970, so they keep rising when the
 * sub-agent restarts.
 */
export class GuestStates extends EventEmitter<Changes> {
  readonly #states = new Map<string, GuestState>();
  readonly #details = new Map<string, GuestDetails>();
  #revision = 0;

  get(id: string): GuestState | undefined {
    return this.#states.get(id);
  }

  all(): GuestState[] {
    return [...this.#states.values()];
  }

  /**
   * Stores the state of a guest. Gives it a new revision and emits `changed` if it differs from the last one.
   * @param details replace what is told about it besides; by default that stays
   */
  set(id: string, state: string, vnc = 0, reason?: string, details = this.#details.get(id)): GuestState {
    const previous = this.#states.get(id);
    const isSame = isDeepStrictEqual(details, this.#details.get(id));
    if (previous?.state === state && previous.vnc === vnc && previous.reason === reason && isSame)
      return previous;
    if (details) this.#details.set(id, details);
    return this.#change({ id, state, ...(reason ? { reason } : {}), vnc });
  }

  /** Replaces what is told about a guest besides its state; emits `changed` if it differs. */
  describe(id: string, details: GuestDetails): void {
    if (isDeepStrictEqual(details, this.#details.get(id))) return;
    this.#details.set(id, details);
    const state = this.#states.get(id);
    if (!state) return;
    const { reason, vnc } = state;
    this.#change({ id, state: state.state, ...(reason ? { reason } : {}), vnc });
  }

  #change(state: Omit<GuestState, 'revision'>): GuestState {
    this.#revision = Math.max(this.#revision + 1, Date.now() * 1000);
    const next = { ...state, ...this.#details.get(state.id), revision: this.#revision };
    this.#states.set(state.id, next);
    this.emit('changed', next);
    return next;
  }

  remove(id: string): void {
    this.#details.delete(id);
    if (this.#states.delete(id)) this.emit('removed', id);
  }
}
