import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import { errorMessage } from '../errors.js';
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

const MAX_SIZE = '20M';
const MAX_FILES = 10;

/** Who changed what: a line of JSON each, in files that are kept to a bounded number. */
export class AuditLog {
  readonly #stream: RotatingFileStream;
  readonly #log: Logger;
  #broken = false;
  /** What is to be written at the end of this turn of the event loop. */
  #lines: string[] = [];

  /** @param directory is there already */
  constructor(directory: string, log: Logger) {
    this.#log = log;
    this.#stream = createStream('audit.log', {
      path: directory,
      size: MAX_SIZE,
      maxFiles: MAX_FILES,
      mode: 0o600,
    });
    this.#stream.on('error', (error) => this.#complain(error));
  }

  write(entry: AuditEntry): void {
    if (this.#lines.length === 0) setImmediate(() => this.#writeLines());
    this.#lines.push(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
  }

  jobEnded({ ID, GuestID, Action, Status, Message }: Job): void {
    this.write({ event: 'job', job: ID, guest: GuestID, action: Action, status: Status, message: Message });
  }

  async close(): Promise<void> {
    this.#writeLines();
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }

  #writeLines(): void {
    const text = this.#lines.join('');
    this.#lines = [];
    if (text === '' || this.#stream.destroyed) return;
    this.#stream.write(text, (error) => {
      if (error) this.#complain(error);
      else this.#broken = false;
    });
  }

  /** A log that cannot be written is told of once, and holds up nothing. */
  #complain(error: unknown): void {
    if (!this.#broken) this.#log.error(`the audit log cannot be written: ${errorMessage(error)}`);
    this.#broken = true;
  }
}
