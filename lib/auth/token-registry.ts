import { stat } from 'node:fs/promises';
import { errorMessage } from '../errors.js';
import type { Logger } from '../log.js';
import type { Principal } from '../model/principal.js';
import { readTokens, tokenFileOf } from './token-file.js';
import { hasExpired, hashToken, principalOf, type StoredToken } from './tokens.js';

/** How long a revoked token may still be good for, in milliseconds. */
const RECHECK_MS = 500;

/** The tokens that are good now, as the commands that make and revoke them leave the file. */
export class TokenRegistry {
  readonly #dbpath: string;
  readonly #log: Logger;
  /** By their hash: to look a hash up tells nothing about the token, however long it takes. */
  #tokens: ReadonlyMap<string, StoredToken> = new Map();
  #version = '';
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | undefined;

  constructor(dbpath: string, log: Logger) {
    this.#dbpath = dbpath;
    this.#log = log;
  }

  /** Who has a token; nobody when it is unknown, revoked or expired. */
  async find(token: string): Promise<Principal | undefined> {
    const hash = hashToken(token);
    // What is not known may have been made a moment ago.
    if (!this.#tokens.has(hash) || performance.now() - this.#checkedAt > RECHECK_MS) {
      this.#checking ??= this.#refresh();
      await this.#checking;
    }
    const stored = this.#tokens.get(hash);
    return stored && !hasExpired(stored) ? principalOf(stored) : undefined;
  }

  async #refresh(): Promise<void> {
    const version = await this.#readVersion();
    if (version !== this.#version) await this.#read(version);
    this.#checkedAt = performance.now();
    this.#checking = undefined;
  }

  /** Each change makes a new file. */
  async #readVersion(): Promise<string> {
    try {
      const { ino, mtimeMs, size } = await stat(tokenFileOf(this.#dbpath));
      return `${ino} ${mtimeMs} ${size}`;
    } catch {
      return 'none';
    }
  }

  /** While the file cannot be read, nobody has a token. */
  async #read(version: string): Promise<void> {
    try {
      const tokens = await readTokens(this.#dbpath);
      this.#tokens = new Map(tokens.map((token) => [token.sha256, token]));
      this.#log.info({ tokens: tokens.length }, 'read the tokens');
    } catch (error) {
      this.#tokens = new Map();
      this.#log.error(`no token is good any more: ${errorMessage(error)}`);
    }
    this.#version = version;
  }
}
