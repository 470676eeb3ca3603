import { setTimeout as delay, setImmediate as endOfTurn } from 'node:timers/promises';
import { errorMessage } from '../errors.js';
import { RotatingFile } from '../files/rotating-file.js';
import type { Logger } from '../log.js';
import type { Job } from '../model/job.js';

/** A change that somebody asked for, or what came of it. */
export type AuditEntry =
  | {
      event: 'request';
      /** Who, and from where. */
      principal: string;
      address: string;
      method: string;
      /** The route, with its parameters in braces. */
      route: string;
      guest?: string | undefined;
      job?: string | undefined;
      /** HTTP. */
      status: number;
    }
  | { event: 'job'; job: string; guest: string; action: string; status: Job['Status']; message: string };

/** Entries that wait for a disk that fails. */
const MAX_WAITING = 10_000;
const RETRY_MS = 1000;

export interface AuditLogOptions {
  /** Is there already. */
  directory: string;
  log: Logger;
  maxWaiting?: number | undefined;
  retryMs?: number | undefined;
}

/** Who changed what: a line of JSON each, in files that are kept to a bounded number. */
export class AuditLog {
  readonly #file: RotatingFile;
  readonly #log: Logger;
  readonly #maxWaiting: number;
  readonly #retryMs: number;
  readonly #closing = new AbortController();
  #isBroken = false;
  /** What is to be written at the end of this turn of the event loop, or when the disk takes it again. */
  #lines: string[] = [];
  #writing: Promise<void> | undefined;
  /** Entries that were more than can wait. */
  #lost = 0;

  constructor({ directory, log, maxWaiting = MAX_WAITING, retryMs = RETRY_MS }: AuditLogOptions) {
    this.#file = new RotatingFile({ directory, name: 'audit.log' });
    this.#log = log;
    this.#maxWaiting = maxWaiting;
    this.#retryMs = retryMs;
  }

  write(entry: AuditEntry): void {
    if (this.#lines.length >= this.#maxWaiting) {
      this.#lost += 1;
      this.#complain(new Error(`${this.#maxWaiting} entries wait for the disk`));
      return;
    }
    this.#lines.push(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
    this.#writing ??= this.#writeAll();
  }

  jobEnded({ ID, GuestID, Action, Status, Message }: Job): void {
    this.write({ event: 'job', job: ID, guest: GuestID, action: Action, status: Status, message: Message });
  }

  /** Resolves when everything is written, or the disk has refused it once more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
    await this.#file.close().catch((error: unknown) => this.#complain(error));
  }

  async #writeAll(): Promise<void> {
    await endOfTurn();
    const { signal } = this.#closing;
    while (this.#lines.length > 0) {
      if (await this.#writeLines()) continue;
      if (signal.aborted) break;
      await delay(this.#retryMs, undefined, { signal, ref: false }).catch(() => {});
    }
    this.#writing = undefined;
  }

  /** False when they are yet to be written. */
  async #writeLines(): Promise<boolean> {
    const { length } = this.#lines;
    try {
      await this.#file.append(this.#lines.join(''));
    } catch (error) {
      this.#complain(error);
      return false;
    }
    this.#lines.splice(0, length);
    this.#recover();
    return true;
  }

  /** A log that cannot be written is told of once, and holds up nothing. */
  #complain(error: unknown): void {
    if (!this.#isBroken) this.#log.error(`the audit log cannot be written: ${errorMessage(error)}`);
    this.#isBroken = true;
  }

  #recover(): void {
    if (this.#isBroken) this.#log.warn(`the audit log is written again; ${this.#lost} entries are lost`);
    this.#isBroken = false;
    this.#lost = 0;
  }
}
