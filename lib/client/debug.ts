import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { path } from './path.js';
import type { CallOptions, Transport } from './transport.js';

export interface ProfileOptions extends CallOptions {
  /** Seconds to profile: by default 30 for `profile`; without it, `heap` covers all live objects. */
  seconds?: number | undefined;
}

/** How long the agent profiles the CPU by default. */
const CPU_SECONDS = 30;

/** Diagnostics of the agent itself. */
export class Debug {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Takes a profile of the CPU (`profile`) or of the live heap (`heap`), in the format of `go tool pprof`. */
  profile(name: 'profile' | 'heap', { seconds, signal }: ProfileOptions = {}): Promise<Readable> {
    return this.#transport.open({
      method: 'GET',
      path: path`/debug/pprof/${name}`,
      query: { seconds },
      waitSeconds: seconds ?? (name === 'heap' ? 0 : CPU_SECONDS),
      signal,
    });
  }

  /** Returns the agent's program and its arguments. */
  async commandLine(options?: CallOptions): Promise<string[]> {
    return (await this.#text('/debug/pprof/cmdline', options)).split('\0').filter(Boolean);
  }

  /** Returns what pprof needs to look up symbols. The agent's profiles carry their own. */
  symbol(options?: CallOptions): Promise<string> {
    return this.#text('/debug/pprof/symbol', options);
  }

  async #text(target: string, options: CallOptions = {}): Promise<string> {
    return text(await this.#transport.open({ method: 'GET', path: target, ...options }));
  }
}
