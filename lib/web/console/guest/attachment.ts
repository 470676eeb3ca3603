import { MistifyError } from '../../../client/errors.js';
import { path } from '../../../client/path.js';
import type { Guest } from '../../../model/guest.js';
import { Backoff } from '../../../portable/backoff.js';
import { errorText, get } from '../api.js';
import { token } from '../session.js';
import { signIn } from '../sign-in.js';
import { sentence } from '../words.js';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** The agent's response to a GET without an upgrade, when it would open the console. */
const UPGRADE_REQUIRED = 426;
/** Close code (RFC 6455, section 7.4.1) that the agent sends when the token has expired or was revoked. */
const POLICY_VIOLATION = 1008;

/** How a connection ended. */
export interface Closed {
  /** Whether the connection had been established. */
  wasOpen: boolean;
  /** From the close frame, where the library exposes it. */
  code?: number;
  reason?: string;
}

type ConsoleKind = 'serial' | 'vnc';

export interface AttachmentOptions {
  guestId: string;
  kind: ConsoleKind;
  /** Connects, and resolves once the connection has ended. */
  connect: () => Promise<Closed>;
  /** Whether a guest in that state has this console. */
  isAvailable: (state: string) => boolean;
  showStatus: (text: string) => void;
}

/** Why no connection exists, and what to do next: `wait` checks again later without saying so. */
interface Problem {
  text: string;
  next: 'retry' | 'wait' | 'sign-in' | 'stop';
}

const NEXT_BY_STATUS: Record<number, Problem['next']> = {
  400: 'stop',
  401: 'sign-in',
  403: 'stop',
  404: 'stop',
};

const problemOf = (error: unknown): Problem => {
  const status = error instanceof MistifyError ? error.status : 0;
  return { text: errorText(error), next: NEXT_BY_STATUS[status] ?? 'retry' };
};

/** Why an existing guest's console was refused. A 404 may pass: a container has none until its image is pulled. */
const refusalOf = (error: unknown): Problem => {
  const problem = problemOf(error);
  return error instanceof MistifyError && error.status === 404 ? { ...problem, next: 'wait' } : problem;
};

/**
 * Keeps a console connected while its page is open. Browsers do not reveal why a WebSocket was refused, so a plain GET
 * of the same path finds out.
 */
export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #backoff = new Backoff(FIRST_DELAY_MS, LONGEST_DELAY_MS);
  #isClosed = false;
  #wake = (): void => {};

  constructor(options: AttachmentOptions) {
    this.#options = options;
    void this.#keepConnected();
  }

  /** Ends the current delay, for instance because the guest's state has changed. */
  wake(): void {
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async #keepConnected(): Promise<void> {
    while (!this.#isClosed) {
      const problem = (await this.#findObstacle()) ?? (await this.#connect());
      if (this.#isClosed) return;
      await this.#handle(problem);
    }
  }

  async #handle({ text, next }: Problem): Promise<void> {
    const { showStatus } = this.#options;
    if (next === 'retry') {
      showStatus(`${sentence(text)} Retrying …`);
      await this.#delay(this.#backoff.next());
      return;
    }
    showStatus(sentence(text));
    if (next === 'wait') await this.#delay(LONGEST_DELAY_MS);
    else if (next === 'sign-in') await signIn();
    else this.close();
  }

  /** Returns why connecting is pointless, if it is. */
  async #findObstacle(): Promise<Problem | undefined> {
    const { guestId, isAvailable } = this.#options;
    try {
      const { state = '' } = await get<Guest>(path`/guests/${guestId}`);
      if (isAvailable(state)) return undefined;
      return { text: `The guest is off (${state}). Its screen appears when it starts`, next: 'wait' };
    } catch (error) {
      return problemOf(error);
    }
  }

  /** Connects, and returns why the connection ended. */
  async #connect(): Promise<Problem> {
    if (this.#isClosed) return { text: '', next: 'stop' };
    this.#options.showStatus('Connecting …');
    const { wasOpen, code, reason } = await this.#options.connect();
    if (wasOpen) this.#backoff.reset();
    if (code === POLICY_VIOLATION) {
      const text = `The agent closed the console: ${reason || 'access revoked'}`;
      return { text, next: token() === undefined ? 'stop' : 'sign-in' };
    }
    if (wasOpen) return { text: `Disconnected${reason ? `: ${reason}` : ''}`, next: 'retry' };
    return this.#isClosed ? { text: '', next: 'stop' } : this.#findRefusal();
  }

  async #findRefusal(): Promise<Problem> {
    const { guestId, kind } = this.#options;
    try {
      await get(consolePath(guestId, kind));
    } catch (error) {
      const isAccepted = error instanceof MistifyError && error.status === UPGRADE_REQUIRED;
      if (!isAccepted) return refusalOf(error);
    }
    return { text: 'The console could not be opened', next: 'retry' };
  }

  #delay(ms: number): Promise<void> {
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
