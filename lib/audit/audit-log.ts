import { setTimeout as delay, setImmediate as endOfTurn } from 'node:timers/promises';
import { errorMessage } from '../errors.js';
import { RotatingFile } from '../files/rotating-file.js';
import type { Logger } from '../log.js';
import type { Job } from '../model/job.js';

/** A change that a client requested or a schedule began, or the end of the job it led to. */
export type AuditEntry =
  | {
      event: 'request';
      /** The client's name; its address follows. */
      principal: string;
      address: string;
      method: string;
      /** The route, with its parameters in braces. */
      route: string;
      guest?: string | undefined;
      job?: string | undefined;
      /** Of the HTTP response. */
      status: number;
      /** Why the request was refused for want of rights. */
      reason?: string | undefined;
    }
  | {
      event: 'schedule';
      principal: 'schedule';
      /** Its name. */
      schedule: string;
      /** Absent when the job concerns all guests. */
      guest?: string | undefined;
      job: string;
    }
  | { event: 'job'; job: string; guest: string; action: string; status: Job['Status']; message: string };

/** Entries that wait while the disk fails; further ones are dropped and counted. */
const MAX_WAITING = 10_000;
const RETRY_MS = 1000;

export interface AuditLogOptions {
  /** An existing directory. */
  directory: string;
  log: Logger;
  maxWaiting?: number | undefined;
  retryMs?: number | undefined;
}

/** Records who changed what: one line of JSON each, in a bounded number of files. */
export class AuditLog {
  readonly #file: RotatingFile;
  readonly #log: Logger;
  readonly #maxWaiting: number;
  readonly #retryMs: number;
  readonly #closing = new AbortController();
  #isBroken = false;
  /** Lines to write at the end of this turn of the event loop, or once the disk works again. */
  #lines: string[] = [];
  #writing: Promise<void> | undefined;
  /** Entries dropped because too many were waiting. */
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
      this.#reportFailure(new Error(`${this.#maxWaiting} entries are waiting for the disk`));
      return;
    }
    this.#lines.push(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
    this.#writing ??= this.#writeAll();
  }

  jobEnded({ ID, GuestID, Action, Status, Message }: Job): void {
    this.write({ event: 'job', job: ID, guest: GuestID, action: Action, status: Status, message: Message });
  }

  /** Tries once more to write the waiting entries, then closes the file. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
    await this.#file.close().catch((error: unknown) => this.#reportFailure(error));
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

  /** Resolves to false when the lines could not be written yet. */
  async #writeLines(): Promise<boolean> {
    const { length } = this.#lines;
    try {
      await this.#file.append(this.#lines.join(''));
    } catch (error) {
      this.#reportFailure(error);
      return false;
    }
    this.#lines.splice(0, length);
    this.#reportRecovery();
    return true;
  }

  /** Logs the first of a series of failures. They never delay or fail a request. */
  #reportFailure(error: unknown): void {
    if (!this.#isBroken) this.#log.error(`audit log not written, retrying: ${errorMessage(error)}`);
    this.#isBroken = true;
  }

  #reportRecovery(): void {
    if (this.#isBroken) this.#log.warn(`audit log written again, ${this.#lost} entries lost`);
    this.#isBroken = false;
    this.#lost = 0;
  }
}
