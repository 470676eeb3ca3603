import type { Guest } from '../../../model/guest.js';
import { ApiError, errorText, get, path } from '../api.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** What the agent answers to who may have a console, and asks without wanting a WebSocket. */
const UPGRADE_REQUIRED = 426;

/** How a connection of a console ended. */
export interface Ended {
  /** Whether it was up before. */
  wasOpen: boolean;
}

type ConsoleKind = 'serial' | 'vnc';

export interface AttachmentOptions {
  guestId: string;
  kind: ConsoleKind;
  /** Connects; resolves when the connection has ended. */
  connect: () => Promise<Ended>;
  /** Whether a connection makes sense while the guest is in that state. */
  isPossible: (state: string) => boolean;
  say: (text: string) => void;
}

/**
 * Keeps a console connected while its page is open. A browser does not tell why a WebSocket was refused: the same is
 * asked for without one.
 */
export class Attachment {
  readonly #options: AttachmentOptions;
  #isClosed = false;
  #pause = FIRST_PAUSE_MS;
  #wake = (): void => {};

  constructor(options: AttachmentOptions) {
    this.#options = options;
    void this.#keep();
  }

  /** The guest may be in another state. */
  wake(): void {
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async #keep(): Promise<void> {
    let wasRefused = false;
    while (!this.#isClosed) {
      const problem = await this.#problem(wasRefused);
      if (this.#isClosed) return;
      if (problem === undefined) {
        this.#options.say('Connecting …');
        const { wasOpen } = await this.#options.connect();
        if (this.#isClosed) return;
        wasRefused = !wasOpen;
        if (wasOpen) this.#pause = FIRST_PAUSE_MS;
        this.#options.say('Not connected. Trying again …');
      } else this.#options.say(problem);
      await this.#wait(problem === undefined ? this.#pause : LONGEST_PAUSE_MS);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** Why there can be no connection now. */
  async #problem(wasRefused: boolean): Promise<string | undefined> {
    const { guestId, kind, isPossible } = this.#options;
    try {
      const { state = '' } = await get<Guest>(path`/guests/${guestId}`);
      if (!isPossible(state)) return `The guest is off (${state}). Its screen comes when it starts.`;
      if (wasRefused) await get(consolePath(guestId, kind));
      return undefined;
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (status === UPGRADE_REQUIRED) return undefined;
      if (status === 404) this.close();
      return errorText(error);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const consolePath = (guestId: string, kind: ConsoleKind): string => path`/guests/${guestId}/console/${kind}`;

export const consoleUrl = (guestId: string, kind: ConsoleKind): string => {
  const url = new URL(consolePath(guestId, kind), location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
};
