import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { QmpClient, type QmpEvent, type QmpExecuteOptions } from '../../../qmp/client.js';
import { QmpClosedError } from '../../../qmp/errors.js';
import type { GuestPaths } from '../layout.js';
import { exited, findQemu } from '../process/process.js';

const CONNECT_TIMEOUT_MS = 5000;
const HEARTBEAT_MS = 5000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2000;
/** A QEMU that comes up or ends has no socket for a moment: only when that lasts, something is wrong. */
const NO_SOCKET_MS = 1000;
/** How long a QEMU may take to end after it has let go of its QMP socket. */
const EXIT_WAIT_MS = 5000;

export interface MonitorOptions {
  paths: GuestPaths;
  log: Logger;
  /** A connection is there, for the first time or again. */
  onConnect: () => void;
  onEvent: (event: QmpEvent) => void;
  /** The process is there but does not answer. */
  onSilence: () => void;
  /** Every 5 s while there is a connection. */
  onHeartbeat: () => Promise<void>;
}

/** The QMP connection to one running QEMU: made again when it breaks, until the process is gone. */
export class Monitor {
  /** Resolves when the process is gone, or when `close` was called. */
  readonly ended: Promise<void>;
  readonly #options: MonitorOptions;
  readonly #stop = new AbortController();
  #client: QmpClient | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.ended = this.#run();
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Lets go of the process, which runs on. */
  close(): void {
    this.#stop.abort();
    this.#client?.close();
  }

  /**
   * Runs a QMP command.
   * @throws what `QmpClient.execute` does
   */
  async execute<Result = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options?: QmpExecuteOptions,
  ): Promise<Result> {
    if (!this.#client) throw new QmpClosedError(command);
    return this.#client.execute<Result>(command, args, options);
  }

  /** A process that cannot be looked for, say for want of file descriptors, is not taken for gone. */
  async isAlive(): Promise<boolean> {
    const { paths, log } = this.#options;
    try {
      return (await findQemu(paths)) !== undefined;
    } catch (error) {
      log.warn({ err: error }, errorMessage(error));
      return true;
    }
  }

  async #run(): Promise<void> {
    let delay = FIRST_RETRY_MS;
    while (!this.closed && (await this.isAlive())) {
      if (await this.#session(delay)) {
        delay = FIRST_RETRY_MS;
        await this.#exitedWithin(EXIT_WAIT_MS);
      } else {
        await sleep(delay, undefined, { signal: this.#stop.signal }).catch(() => undefined);
        delay = Math.min(delay * 2, MAX_RETRY_MS);
      }
    }
  }

  async #exitedWithin(timeoutMs: number): Promise<void> {
    const { paths, log } = this.#options;
    await exited(paths, timeoutMs).catch((error) => log.warn({ err: error }, errorMessage(error)));
  }

  /** One connection from its beginning to its end; `false` when there was none. */
  async #session(delay: number): Promise<boolean> {
    const { paths, log, onConnect, onEvent, onSilence, onHeartbeat } = this.#options;
    let client: QmpClient;
    try {
      client = await QmpClient.connect(paths.qmp, { timeoutMs: CONNECT_TIMEOUT_MS, onEvent });
    } catch (error) {
      log.debug({ err: error }, 'no QMP connection yet');
      if (!(error instanceof QmpClosedError) || delay >= NO_SOCKET_MS) onSilence();
      return false;
    }
    if (this.closed) client.close();
    this.#client = client;
    const ended = client.closed ? undefined : once(client, 'close');
    const heartbeat = setInterval(() => void onHeartbeat(), HEARTBEAT_MS);
    onConnect();
    await ended;
    clearInterval(heartbeat);
    this.#client = undefined;
    return true;
  }
}
