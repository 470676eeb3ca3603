import type { Guest } from '../../../model/guest.js';
import { ApiError, errorText, get, path } from '../api.js';
import { Pauses } from '../pauses.js';
import { token } from '../session.js';
import { signIn } from '../sign-in.js';

const LONGEST_PAUSE_MS = 10_000;
/** What the agent answers to who may have a console, and asks without wanting a WebSocket. */
const UPGRADE_REQUIRED = 426;
/** Answers that will be the same the next time. */
const FINAL = [400, 403, 404];
/** RFC 6455, 7.4.1: the agent wants no more of this client, whose token is not good any more. */
const POLICY_VIOLATION = 1008;

/** How a connection of a console ended. */
export interface Ended {
  /** Whether it was up before. */
  wasOpen: boolean;
  /** Of its close frame; absent where the library keeps it to itself. */
  code?: number;
  reason?: string;
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

/** Why there is no connection, and what helps. */
interface Hindrance {
  text: string;
  next: 'retry' | 'state' | 'sign-in' | 'nothing';
}

const hindranceOf = (error: unknown): Hindrance => {
  const status = error instanceof ApiError ? error.status : 0;
  const text = errorText(error);
  if (status === 401) return { text, next: 'sign-in' };
  return { text, next: FINAL.includes(status) ? 'nothing' : 'retry' };
};

/** Explains why an existing guest's console cannot be opened. A container has none while its image is pulled: a 404. */
const refusalOf = (error: unknown): Hindrance => {
  const { text, next } = hindranceOf(error);
  const mayComeLater = error instanceof ApiError && error.status === 404;
  return { text, next: mayComeLater ? 'retry' : next };
};

const sentence = (text: string): string => text.replace(/[.!?]?$/, '.');

/**
 * Keeps a console connected while its page is open. A browser does not tell why a WebSocket was refused: the same is
 * asked for without one.
 */
export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #pauses = new Pauses(LONGEST_PAUSE_MS);
  #isClosed = false;
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
      const hindrance = (await this.#off()) ?? (await this.#connection());
      if (this.#isClosed) return;
      await this.#overcome(hindrance);
    }
  }

  async #overcome({ text, next }: Hindrance): Promise<void> {
    const { say } = this.#options;
    if (next === 'retry') {
      say(`${sentence(text)} Trying again …`);
      await this.#wait(this.#pauses.next());
      return;
    }
    say(sentence(text));
    if (next === 'state') await this.#wait(LONGEST_PAUSE_MS);
    else if (next === 'sign-in') await signIn(text);
    else this.close();
  }

  /** Why a connection is not worth a try. */
  async #off(): Promise<Hindrance | undefined> {
    const { guestId, isPossible } = this.#options;
    try {
      const { state = '' } = await get<Guest>(path`/guests/${guestId}`);
      if (isPossible(state)) return undefined;
      return { text: `The guest is off (${state}). Its screen comes when it starts`, next: 'state' };
    } catch (error) {
      return hindranceOf(error);
    }
  }

  /** Connects, and tells why the connection came to its end. */
  async #connection(): Promise<Hindrance> {
    if (this.#isClosed) return { text: '', next: 'nothing' };
    this.#options.say('Connecting …');
    const { wasOpen, code, reason } = await this.#options.connect();
    if (wasOpen) this.#pauses.reset();
    if (code === POLICY_VIOLATION) {
      const text = `The agent has closed this: ${reason || 'you may not have it any more'}`;
      return { text, next: token() === undefined ? 'nothing' : 'sign-in' };
    }
    if (wasOpen) return { text: `The connection has ended${reason ? `: ${reason}` : ''}`, next: 'retry' };
    return this.#isClosed ? { text: '', next: 'nothing' } : this.#refusal();
  }

  async #refusal(): Promise<Hindrance> {
    const { guestId, kind } = this.#options;
    try {
      await get(consolePath(guestId, kind));
    } catch (error) {
      const isOnlyNoSocket = error instanceof ApiError && error.status === UPGRADE_REQUIRED;
      if (!isOnlyNoSocket) return refusalOf(error);
    }
    return { text: 'The connection did not come about', next: 'retry' };
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
