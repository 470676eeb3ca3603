import { lstat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { coalesced } from '../../../async/coalesce.js';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { QmpEvent, QmpExecuteOptions } from '../../../qmp/client.js';
import { QmpClosedError } from '../../../qmp/errors.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import type { GuestPaths } from '../layout.js';
import { boundLog } from '../process/cap-log.js';
import { Monitor } from './monitor.js';
import { RUN_STATE_EVENTS, type State, stateOf } from './state.js';

const STATUS_TIMEOUT_MS = 3000;
/** How long a QEMU may take to end after it has let go of its socket, while somebody waits for an answer. */
const EXIT_WAIT_MS = 2000;
/** The same of one that still writes out what it holds of the disks. */
export const END_WAIT_MS = 20_000;
/** How long it may take to remove what a process that is gone had on the host. */
const CLEAR_WAIT_MS = 30_000;
const MAX_PORT = 65_535;

/** How a guest's run has ended. */
export interface End {
  /** Without the guest's doing, or anybody's. */
  crashed: boolean;
  /** The guest has shut itself down, and QEMU has written everything out. */
  halted: boolean;
}

export interface WatchOptions {
  id: string;
  paths: GuestPaths;
  states: GuestStates;
  log: Logger;
  /** Runs once, when the process is gone; afterwards `gone` resolves. */
  onGone: (end: End) => Promise<void>;
}

/** Whatever it is: one of the places is the guest's own, and a link in it leads nowhere. */
const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** 0 for what is none: a guest that took its QEMU over may say anything. */
const toPort = (service: string | undefined): number => {
  const port = Number(service);
  return Number.isInteger(port) && port > 0 && port <= MAX_PORT ? port : 0;
};

/** Watches one running QEMU and keeps `states` true until the process is gone. */
export class Watch {
  /** Resolves when the process is gone and `onGone` is done. */
  readonly gone: Promise<void>;
  /** Resolves when the state is known for the first time, be it `unknown`, or when the process is gone. */
  readonly settled: Promise<void>;
  /**
   * Asks QEMU how the guest is and notes it. After that `states` is true, or says `unknown`. A guest that took its
   * QEMU over may give cause for it without an end, and answer nothing.
   */
  readonly refresh = coalesced(() => this.#ask());
  readonly #options: WatchOptions;
  readonly #monitor: Monitor;
  #settle: () => void = () => undefined;
  #vnc = 0;
  #shutDown = false;
  #halted = false;
  #panicked = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#monitor = new Monitor({
      paths: options.paths,
      log: options.log,
      // Not awaited: when the connection breaks first it waits for the end of what runs here.
      onConnect: () => void this.refresh(),
      onEvent: (event) => this.#onEvent(event),
      onSilence: () => this.#note('unknown'),
      onHeartbeat: () => this.#beat(),
    });
    this.gone = this.#monitor.ended.then(() => this.#end());
  }

  /** From now on the end of the process is wanted: it is not a crash. */
  expectEnd(): void {
    this.#shutDown = true;
  }

  /** Lets go of the guest, which runs on; its state is followed no longer. */
  close(): void {
    this.#monitor.close();
  }

  /**
   * Runs a QMP command.
   * @throws what `QmpClient.execute` does
   */
  execute<Result = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options?: QmpExecuteOptions,
  ): Promise<Result> {
    return this.#monitor.execute<Result>(command, args, options);
  }

  /** Whether the process was gone within so many milliseconds. */
  async goneWithin(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const timer = new AbortController();
    const signals = signal ? [timer.signal, signal] : [timer.signal];
    try {
      return await Promise.race([
        this.gone.then(() => true),
        sleep(timeoutMs, false, { signal: AbortSignal.any(signals) }),
      ]);
    } finally {
      timer.abort();
    }
  }

  /** Whether the process is gone, which it is a moment after its socket, and what it left is cleared away. */
  async #ended(): Promise<boolean> {
    if (await this.goneWithin(EXIT_WAIT_MS)) return true;
    if (await this.#monitor.isAlive()) return false;
    return this.goneWithin(CLEAR_WAIT_MS);
  }

  async #end(): Promise<void> {
    if (this.#monitor.closed) return;
    const { paths, onGone, log } = this.#options;
    const killed = (await isThere(paths.pid)) && (await isThere(paths.upMark));
    const end = { crashed: killed && !this.#shutDown, halted: this.#halted && !killed };
    await onGone(end).catch((error) => log.error({ err: error }, errorMessage(error)));
    this.#settle();
  }

  #note(state: State): void {
    if (this.#monitor.closed) return;
    this.#settle();
    this.#options.states.set(this.#options.id, this.#shutDown ? 'shutdown' : state, this.#vnc);
  }

  async #ask(): Promise<void> {
    try {
      await this.#askVnc();
      const { status } = await this.execute<{ status: string }>('query-status', undefined, {
        timeoutMs: STATUS_TIMEOUT_MS,
      });
      this.#note(this.#panicked && status === 'running' ? 'crashed' : stateOf(status));
    } catch (error) {
      if (error instanceof QmpClosedError && (await this.#ended())) return;
      this.#note('unknown');
    }
  }

  async #askVnc(): Promise<void> {
    if (this.#vnc !== 0) return;
    const { service } = await this.execute<{ service?: string }>('query-vnc', undefined, {
      timeoutMs: STATUS_TIMEOUT_MS,
    });
    this.#vnc = toPort(service);
  }

  async #beat(): Promise<void> {
    const { paths, log } = this.#options;
    await this.refresh();
    for (const path of [paths.serialLog, paths.qemuLog]) {
      await boundLog(path).catch((error) => log.warn({ err: error }, errorMessage(error)));
    }
  }

  #onEvent({ event, data }: QmpEvent): void {
    if (event === 'SHUTDOWN') {
      this.#shutDown = true;
      this.#halted = data.reason === 'guest-shutdown';
      this.#note('shutdown');
    } else if (event === 'GUEST_PANICKED') {
      this.#panicked = true;
      this.#note('crashed');
    } else if (RUN_STATE_EVENTS.has(event)) {
      if (event === 'RESET') this.#panicked = false;
      if (this.#monitor.connected) void this.refresh();
    }
  }
}
