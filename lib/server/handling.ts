import { badRequest } from '@hapi/boom';
import type { Request } from '@hapi/hapi';
import type { DryRunQuery } from '../model/endpoint.js';
import { UnknownKeys } from './unknown-keys.js';

/** The preference for a rejection over a request that is read only in part: RFC 7240, section 4.4. */
const STRICT = /(?:^|,)\s*handling\s*=\s*"?strict"?\s*(?:[,;]|$)/i;

/** How the parts of a request are treated that its endpoint does not know: ignored and listed, or rejected. */
export class Handling {
  readonly unknown = new UnknownKeys();
  readonly #isStrict: boolean;

  constructor({ headers: { prefer } }: Request) {
    this.#isStrict = typeof prefer === 'string' && STRICT.test(prefer);
  }

  /**
   * Rejects unknown parts where the client prefers that, and in every dry run: what it accepts, the real request must
   * not read only in part.
   * @throws 400
   */
  check({ query }: Request): void {
    if (this.unknown.isEmpty) return;
    if (this.#isStrict || (query as DryRunQuery).dryRun === true) throw badRequest(this.unknown.message());
  }

  /** Adds the response headers that say how the request was handled. */
  addHeaders(add: (name: string, value: string) => void): void {
    if (this.#isStrict) add('Preference-Applied', 'handling=strict');
    if (!this.unknown.isEmpty) add('X-Ignored-Keys', this.unknown.header());
  }
}
