import { EventEmitter } from 'node:events';
import type { GuestState } from '../protocol/messages.js';

interface Changes {
  changed: [GuestState];
  removed: [string];
}

/**
 * The states of the guests that a sub-agent runs. Each change gets a revision higher than every one before
 * it, those of an earlier process included.
 */
export class GuestStates extends EventEmitter<Changes> {
  readonly #states = new Map<string, GuestState>();
  #revision = 0;

  get(id: string): GuestState | undefined {
    return this.#states.get(id);
  }

  all(): GuestState[] {
    return [...this.#states.values()];
  }

  /** Notes the state of a guest, and tells those who listen when it is a new one. */
  set(id: string, state: string, vnc = 0): GuestState {
    const known = this.#states.get(id);
    if (known?.state === state && known.vnc === vnc) return known;
    this.#revision = Math.max(this.#revision + 1, Date.now() * 1000);
    const next = { id, state, vnc, revision: this.#revision };
    this.#states.set(id, next);
    this.emit('changed', next);
    return next;
  }

  remove(id: string): void {
    if (this.#states.delete(id)) this.emit('removed', id);
  }
}
