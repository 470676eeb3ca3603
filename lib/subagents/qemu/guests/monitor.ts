import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { Backoff } from '../../../portable/backoff.js';
import { QmpClient, type QmpEvent, type QmpExecuteOptions } from '../../../qmp/client.js';
import { QmpClosedError } from '../../../qmp/errors.js';
import type { GuestPaths } from '../layout.js';
import { findQemu, waitForExit } from '../process/process.js';

const CONNECT_TIMEOUT_MS = 5000;
const HEARTBEAT_MS = 5000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2000;
/** A QEMU that is starting or exiting has no socket for a moment; only a longer absence is worth reporting. */
const NO_SOCKET_MS = 1000;
/** How long a QEMU may take to exit after it has closed its QMP socket. */
const EXIT_WAIT_MS = 5000;

export interface MonitorOptions {
  paths: GuestPaths;
  log: Logger;
  /** Called after each connection, the first and every later one. */
  onConnect: () => void;
  onEvent: (event: QmpEvent) => void;
  /** Called when the process exists but does not reply. */
  onSilence: () => void;
  /** Called every 5 s while connected. */
  onHeartbeat: () => Promise<void>;
}

/** The QMP connection to a running QEMU. Reconnects until the process is gone. */
export class Monitor {
  /** Resolves when the process is gone, or after `close`. */
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

  /** Disconnects for good; the process keeps running. */
  close(): void {
    this.#stop.abort();
    this.#client?.close();
  }

  /**
   * Runs a QMP command.
   * @throws {QmpClosedError} when not connected, otherwise as `QmpClient.execute` does
   */
  async execute<Result = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options?: QmpExecuteOptions,
  ): Promise<Result> {
    if (!this.#client) throw new QmpClosedError(command);
    return this.#client.execute<Result>(command, args, options);
  }

  /** Whether the process exists. Assumes so when the lookup fails, for example for lack of file descriptors. */
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
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    while (!this.closed && (await this.isAlive())) {
      const retryMs = backoff.next();
      if (await this.#session(retryMs)) {
        backoff.reset();
        await this.#waitForExit();
      } else {
        await delay(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  async #waitForExit(): Promise<void> {
    const { paths, log } = this.#options;
    await waitForExit(paths, EXIT_WAIT_MS).catch((error) => log.warn({ err: error }, errorMessage(error)));
  }

  /**
   * Connects and resolves to `true` when that connection has closed, or to `false` when it could not be made.
   * @param retryMs the delay before the next attempt, which tells how long attempts have been failing
   */
  async #session(retryMs: number): Promise<boolean> {
    const { paths, log, onConnect, onEvent, onSilence, onHeartbeat } = this.#options;
    let client: QmpClient;
    try {
      client = await QmpClient.connect(paths.qmp, { timeoutMs: CONNECT_TIMEOUT_MS, onEvent });
    } catch (error) {
      log.debug({ err: error }, 'QMP connection failed');
      if (!(error instanceof QmpClosedError) || retryMs >= NO_SOCKET_MS) onSilence();
      return false;
    }
    if (this.closed) client.close();
    this.#client = client;
    const disconnected = client.closed ? undefined : once(client, 'close');
    const heartbeat = setInterval(() => void onHeartbeat(), HEARTBEAT_MS);
    onConnect();
    await disconnected;
    clearInterval(heartbeat);
    this.#client = undefined;
    return true;
  }
}
