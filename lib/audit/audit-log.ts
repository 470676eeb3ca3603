import { setTimeout as delay, setImmediate as endOfTurn } from 'node:timers/promises';
import { errorMessage } from '../errors.js';
import { RotatingFile } from '../files/rotating-file.js';
import type { Logger } from '../log.js';
import type { AuditDetails, AuditEntry, RequestEntry } from '../model/audit.js';
import type { Job } from '../model/job.js';
import { type AuditPage, type AuditQuery, readAudit } from './read-audit.js';
import { Refusals } from './refusals.js';

export const AUDIT_FILE = 'audit.log';

/** Entries that wait while the disk fails; further ones are dropped and counted. */
const MAX_WAITING = 10_000;
const RETRY_MS = 1000;

export interface AuditLogOptions {
  /** An existing directory. */
  directory: string;
  log: Logger;
  /** Looks up what an entry names by ids alone: a guest may be gone when the log is read. */
  detailsOf?: ((entry: AuditEntry) => AuditDetails) | undefined;
  maxWaiting?: number | undefined;
  retryMs?: number | undefined;
}

/** Records who changed what: one line of JSON each, in a bounded number of files. */
export class AuditLog {
  readonly #file: RotatingFile;
  readonly #directory: string;
  readonly #detailsOf: (entry: AuditEntry) => AuditDetails;
  readonly #log: Logger;
  readonly #maxWaiting: number;
  readonly #retryMs: number;
  readonly #closing = new AbortController();
  #isBroken = false;
  /** Lines to write at the end of this turn of the event loop, or once the disk works again. */
  #lines: string[] = [];
  #writing: Promise<void> | undefined;
  readonly #refusals = new Refusals((entry) => this.write(entry));
  /** Entries dropped because too many were waiting. */
  #lost = 0;

  constructor(options: AuditLogOptions) {
    const { directory, log, detailsOf = () => ({}), maxWaiting = MAX_WAITING, retryMs = RETRY_MS } = options;
    this.#file = new RotatingFile({ directory, name: AUDIT_FILE });
    this.#directory = directory;
    this.#detailsOf = detailsOf;
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
    const record = { time: new Date().toISOString(), ...entry, ...this.#detailsOf(entry) };
    this.#lines.push(`${JSON.stringify(record)}\n`);
    this.#writing ??= this.#writeAll();
  }

  /** Writes a refused request, or counts it when there was one like it within the minute. */
  refused(entry: RequestEntry): void {
    this.#refusals.add(entry);
  }

  jobEnded({ ID, GuestID, Action, Status, Message, RequestedBy }: Job): void {
    this.write({
      ...{ event: 'job', principal: RequestedBy, job: ID, guest: GuestID },
      ...{ action: Action, status: Status, message: Message },
    });
  }

  /** Reads a page of the entries, newest first. Those of the last moments may not be on disk yet. */
  read(query: AuditQuery): Promise<AuditPage> {
    return readAudit(this.#directory, AUDIT_FILE, query);
  }

  /** Tries once more to write the waiting entries, then closes the file. Never rejects. */
  async close(): Promise<void> {
    this.#refusals.endMinute();
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
