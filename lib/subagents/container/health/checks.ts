import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { GuestState } from '../../../rpc/protocol/sub-agent-events.js';
import type { Guests } from '../guests.js';
import { checkOf, Outcomes, passes } from './check.js';

/** Exists while systemd is the init process: sd_booted(3). */
const SYSTEMD = '/run/systemd/system';

interface Following {
  /** When the program started whose health is checked. */
  started: string;
  stop: AbortController;
}

/**
 * Runs the health checks of Podman's containers on a host without systemd. Podman has timers of systemd run them, and
 * without those leaves a container `starting` for ever. One check of each container runs at a time, and no longer than its
 * timeout.
 */
export class HealthChecks {
  readonly #guests: Guests;
  readonly #log: Logger;
  readonly #following = new Map<string, Following>();
  readonly #onChange = (state: GuestState): void => this.#see(state);

  constructor(guests: Guests, log: Logger) {
    this.#guests = guests;
    this.#log = log;
  }

  /** Starts to follow the states of the guests. */
  start(): void {
    if (existsSync(SYSTEMD)) return;
    this.#guests.states.on('changed', this.#onChange);
    for (const state of this.#guests.states.all()) this.#see(state);
  }

  close(): void {
    this.#guests.states.off('changed', this.#onChange);
    for (const { stop } of this.#following.values()) stop.abort();
    this.#following.clear();
  }

  #see({ id, state, program }: GuestState): void {
    const started = state === 'running' && program?.health ? program.started : undefined;
    const now = this.#following.get(id);
    if (now?.started === started) return;
    now?.stop.abort();
    this.#following.delete(id);
    this.#guests.health.delete(id);
    if (started === undefined) return;
    const stop = new AbortController();
    this.#following.set(id, { started, stop });
    void this.#follow(id, started, stop.signal).catch((error) =>
      this.#log.warn({ guest: id }, errorMessage(error)),
    );
  }

  async #follow(id: string, started: string, signal: AbortSignal): Promise<void> {
    if ((await this.#guests.engine.kind()) !== 'podman') return;
    const check = await checkOf(this.#guests, id);
    if (!check) return;
    const outcomes = new Outcomes(check, Date.parse(started));
    for (;;) {
      await delay(check.intervalMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const passed = await passes(this.#guests, id, check, signal);
        if (signal.aborted) return;
        this.#guests.health.set(id, outcomes.add(passed));
        await this.#guests.observe(id);
      } catch (error) {
        // The container may have ended meanwhile, or the engine may be gone.
        if (!signal.aborted) this.#log.warn({ guest: id }, `health check not run: ${errorMessage(error)}`);
      }
    }
  }
}
