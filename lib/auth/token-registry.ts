import { stat } from 'node:fs/promises';
import { errorMessage } from '../errors.js';
import type { Logger } from '../log.js';
import type { Principal } from '../model/principal.js';
import { readTokens, tokenFileOf } from './token-file.js';
import { hasExpired, hashToken, principalOf, type StoredToken } from './tokens.js';

/** How long a revoked token may still be accepted, in milliseconds. */
const RECHECK_MS = 500;

/** The valid tokens, reread when the token commands of `mistify` change the file. */
export class TokenRegistry {
  readonly #dbpath: string;
  readonly #log: Logger;
  /** By hash, so that the time of a lookup reveals nothing about a token. */
  #tokens: ReadonlyMap<string, StoredToken> = new Map();
  #version = '';
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | undefined;

  constructor(dbpath: string, log: Logger) {
    this.#dbpath = dbpath;
    this.#log = log;
  }

  /** Returns the principal of a token; `undefined` when the token is unknown, revoked or expired. */
  async find(token: string): Promise<Principal | undefined> {
    const hash = hashToken(token);
    // An unknown token may have been created just now.
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

  /** Identifies the file's version: each change replaces the file. */
  async #readVersion(): Promise<string> {
    try {
      const { ino, mtimeMs, size } = await stat(tokenFileOf(this.#dbpath));
      return `${ino} ${mtimeMs} ${size}`;
    } catch {
      return 'none';
    }
  }

  /** Reads the tokens. While the file cannot be read, every token is rejected. */
  async #read(version: string): Promise<void> {
    try {
      const tokens = await readTokens(this.#dbpath);
      this.#tokens = new Map(tokens.map((token) => [token.sha256, token]));
      this.#log.info({ tokens: tokens.length }, 'tokens read');
    } catch (error) {
      this.#tokens = new Map();
      this.#log.error(`tokens not readable, rejecting all of them: ${errorMessage(error)}`);
    }
    this.#version = version;
  }
}
