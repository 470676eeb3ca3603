import { EventEmitter } from 'node:events';
import type { GuestState } from '../protocol/sub-agent-events.js';

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
  #revision = 0;

  get(id: string): GuestState | undefined {
    return this.#states.get(id);
  }

  all(): GuestState[] {
    return [...this.#states.values()];
  }

  /** Stores the state of a guest. Gives it a new revision and emits `changed` if it differs from the last one. */
  set(id: string, state: string, vnc = 0, reason?: string): GuestState {
    const previous = this.#states.get(id);
    if (previous?.state === state && previous.vnc === vnc && previous.reason === reason) return previous;
    this.#revision = Math.max(this.#revision + 1, Date.now() * 1000);
    const next = { id, state, ...(reason ? { reason } : {}), vnc, revision: this.#revision };
    this.#states.set(id, next);
    this.emit('changed', next);
    return next;
  }

  remove(id: string): void {
    if (this.#states.delete(id)) this.emit('removed', id);
  }
}
