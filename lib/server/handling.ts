import { badRequest } from '@hapi/boom';
import type { Request } from '@hapi/hapi';
import type { DryRunQuery } from '../model/endpoint.js';
import { UnknownKeys } from './unknown-keys.js';

/** The preference that a request with unknown parts be rejected: RFC 7240, section 4.4. */
const STRICT = /(?:^|,)\s*handling\s*=\s*"?strict"?\s*(?:[,;]|$)/i;

/** How to treat the parts of a request that its endpoint does not know: ignore and list them, or reject the request. */
export class Handling {
  readonly unknown = new UnknownKeys();
  readonly #isStrict: boolean;

  constructor({ headers: { prefer } }: Request) {
    this.#isStrict = typeof prefer === 'string' && STRICT.test(prefer);
  }

  /**
   * Rejects unknown parts where the client prefers that, and in every dry run, so that no dry run accepts a key that
   * the real request would ignore.
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
