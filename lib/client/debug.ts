import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { path } from './path.js';
import type { CallOptions, Transport } from './transport.js';

export interface ProfileOptions extends CallOptions {
  /** How long to profile; 30 by default. */
  seconds?: number | undefined;
}

const DEFAULT_SECONDS = 30;

/** Diagnostics of the agent itself. */
export class Debug {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Takes a profile of the CPU (`profile`) or of memory (`heap`), in the format of `go tool pprof`. */
  profile(
    name: 'profile' | 'heap',
    { seconds = DEFAULT_SECONDS, signal }: ProfileOptions = {},
  ): Promise<Readable> {
    const query = { seconds };
    return this.#transport.open({
      method: 'GET',
      path: path`/debug/pprof/${name}`,
      query,
      waitSeconds: seconds,
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
