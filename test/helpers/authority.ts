import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { tempDir } from './temp.js';

/** The paths of a certificate and its key, both PEM. */
export interface Pair {
  cert: string;
  key: string;
}

/** A certificate authority for one test. */
export class Authority {
  readonly #dir: string;
  readonly cert: string;
  readonly #key: string;

  private constructor(dir: string) {
    this.#dir = dir;
    this.cert = join(dir, 'ca.pem');
    this.#key = join(dir, 'ca.key');
  }

  static async make(t: ExecutionContext): Promise<Authority> {
    const authority = new Authority(await tempDir(t));
    await execa('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=test authority', '-keyout', authority.#key, '-out', authority.cert],
    ]);
    return authority;
  }

  /** Signs a certificate, for a client of that name and for a server at that address, by default on loopback. */
  async sign(name: string, address = '127.0.0.1'): Promise<Pair> {
    const pair = { cert: join(this.#dir, `${name}.pem`), key: join(this.#dir, `${name}.key`) };
    await execa('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...[
        '-CA',
        this.cert,
        '-CAkey',
        this.#key,
        '-subj',
        `/CN=${name}`,
        '-addext',
        `subjectAltName=IP:${address}`,
      ],
      ...['-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', pair.key, '-out', pair.cert],
    ]);
    return pair;
  }
}
