import type { Guest } from '../../../model/guest.js';
import { ApiError, errorText, get, path } from '../api.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** How a connection of a console ended. */
export interface Ended {
  /** Whether it was up before. */
  wasOpen: boolean;
  /** Of the WebSocket; 1000 when the guest is gone. */
  code?: number;
}

export interface AttachmentOptions {
  guestId: string;
  /** Connects; resolves when the connection has ended. */
  connect: () => Promise<Ended>;
  /** Whether a connection makes sense while the guest is in that state. */
  isPossible: (state: string) => boolean;
  say: (text: string) => void;
}

/**
 * Keeps a console connected while its page is open. A browser does not tell why an upgrade was refused: the guest is
 * asked for instead.
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
    while (!this.#isClosed) {
      const problem = await this.#problem();
      if (this.#isClosed) return;
      if (problem === undefined) {
        this.#options.say('Connecting …');
        const { wasOpen } = await this.#options.connect();
        if (this.#isClosed) return;
        if (wasOpen) this.#pause = FIRST_PAUSE_MS;
        this.#options.say('Not connected. Trying again …');
      } else this.#options.say(problem);
      await this.#wait(problem === undefined ? this.#pause : LONGEST_PAUSE_MS);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** Why there can be no connection now. */
  async #problem(): Promise<string | undefined> {
    const { guestId, isPossible } = this.#options;
    try {
      const { state = '' } = await get<Guest>(path`/guests/${guestId}`);
      return isPossible(state) ? undefined : `The guest is off (${state}). Its screen comes when it starts.`;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.close();
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

export const consoleUrl = (guestId: string, kind: 'serial' | 'vnc'): string => {
  const url = new URL(path`/guests/${guestId}/console/${kind}`, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
};
