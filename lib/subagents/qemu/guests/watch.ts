import { setTimeout as sleep } from 'node:timers/promises';
import { coalesce } from '../../../async/coalesce.js';
import { errorMessage } from '../../../errors.js';
import { exists } from '../../../files/exists.js';
import type { QmpEvent, QmpExecuteOptions } from '../../../qmp/client.js';
import { QmpClosedError } from '../../../qmp/errors.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import { capLog } from '../process/cap-log.js';
import { tpmPaths } from '../tpm/paths.js';
import { Monitor } from './monitor.js';
import { RunEnd, type RunEndOptions, type RunOutcome } from './run-end.js';
import { RUN_STATE_EVENTS, reasonOf, type State, stateOf } from './state.js';

const STATUS_TIMEOUT_MS = 3000;
/** How long a QEMU may take to exit, which includes writing its disks' caches out. */
export const EXIT_WAIT_MS = 20_000;
/** How long a query waits for the exit of a QEMU that has closed its socket, before it reports `unknown`. */
const QUERY_EXIT_WAIT_MS = 2000;
/** How long removing an exited QEMU's taps and files may take. */
const CLEANUP_WAIT_MS = 30_000;
const MAX_PORT = 65_535;

export interface WatchOptions extends RunEndOptions {
  id: string;
  states: GuestStates;
  /** When its QEMU was started, in milliseconds since 1970; now by default. */
  bootedAt?: number | undefined;
  /** Called when QEMU has removed a device that had an id. */
  onDeviceDeleted?: (id: string) => void;
  /** Called once, after the process is gone; `exited` resolves after it. */
  onExit: (outcome: RunOutcome) => Promise<void>;
  /** Called every 5 s while QEMU responds. */
  onBeat: () => Promise<void>;
}

/** Returns 0 for anything but a port: a guest that took over its QEMU can report any text. */
const toPort = (service: string | undefined): number => {
  const port = Number(service);
  return Number.isInteger(port) && port > 0 && port <= MAX_PORT ? port : 0;
};

/** Watches a running QEMU and keeps `states` up to date until the process is gone. */
export class Watch {
  /** Resolves when the process is gone and `onExit` is done. */
  readonly exited: Promise<void>;
  /** Resolves when the state is known for the first time, even as `unknown`, or when the process is gone. */
  readonly stateKnown: Promise<void>;
  /**
   * Queries QEMU and updates `states`, with `unknown` when QEMU does not reply. Concurrent calls share one query: a
   * guest that took over its QEMU can send events without end.
   */
  readonly refresh = coalesce(() => this.#queryState());
  /** When the guest's run began, by a start or by its last reset: milliseconds since 1970. */
  bootedAt: number;
  /** How many resets this watch has seen. */
  resetCount = 0;
  /** Whether a snapshot with memory is being taken, which halts the guest for a moment. */
  isBeingCopied = false;
  /** When QEMU last halted the vCPUs of a guest that is halted, in milliseconds since 1970, if this watch saw it. */
  haltedAt: number | undefined;
  readonly #options: WatchOptions;
  readonly #monitor: Monitor;
  #markStateKnown: () => void = () => undefined;
  /** The TCP port of the VNC server; 0 until QEMU has reported it. */
  #vnc = 0;
  readonly #end: RunEnd;
  #panicked = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#end = new RunEnd(options);
    this.bootedAt = options.bootedAt ?? Date.now();
    this.stateKnown = new Promise((resolve) => {
      this.#markStateKnown = resolve;
    });
    this.#monitor = new Monitor({
      paths: options.paths,
      log: options.log,
      // Not awaited: a query that outlives its connection waits for the monitor to end.
      onConnect: () => void this.refresh(),
      onEvent: (event) => this.#onEvent(event),
      onSilence: () => this.#reportState('unknown'),
      onHeartbeat: () => this.#onHeartbeat(),
    });
    this.exited = this.#monitor.ended.then(() => this.#onMonitorEnd());
  }

  /** Call before ending the process on purpose, so that its exit does not count as a crash. */
  expectExit(): void {
    this.#end.expect();
  }

  /** Stops watching; the guest keeps running. */
  close(): void {
    this.#monitor.close();
  }

  /**
   * Runs a QMP command.
   * @throws as `QmpClient.execute` does
   */
  execute<Result = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options?: QmpExecuteOptions,
  ): Promise<Result> {
    return this.#monitor.execute<Result>(command, args, options);
  }

  /**
   * Waits for `exited`, and resolves to whether it came in time.
   * @throws {AbortError} when `signal` is aborted first
   */
  async exitedWithin(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const timer = new AbortController();
    const signals = signal ? [timer.signal, signal] : [timer.signal];
    try {
      return await Promise.race([
        this.exited.then(() => true),
        sleep(timeoutMs, false, { signal: AbortSignal.any(signals) }),
      ]);
    } finally {
      timer.abort();
    }
  }

  /** Whether the process is gone and cleaned up after, which happens a moment after its socket closes. */
  async #hasExited(): Promise<boolean> {
    if (await this.exitedWithin(QUERY_EXIT_WAIT_MS)) return true;
    if (await this.#monitor.isAlive()) return false;
    return this.exitedWithin(CLEANUP_WAIT_MS);
  }

  async #onMonitorEnd(): Promise<void> {
    if (this.#monitor.closed) return;
    const { onExit, log } = this.#options;
    const outcome = await this.#end.outcome();
    await onExit(outcome).catch((error) => log.error({ err: error }, errorMessage(error)));
    this.#markStateKnown();
  }

  #reportState(state: State, reason?: string): void {
    if (this.#monitor.closed) return;
    this.#markStateKnown();
    const { states, id } = this.#options;
    if (this.#end.isExpected) states.set(id, 'shutdown', this.#vnc, this.#end.reason);
    else states.set(id, state, this.#vnc, reason);
  }

  async #queryState(): Promise<void> {
    try {
      await this.#queryVncPort();
      // Asked for first: the mark may be gone by the time of the response, which is then of the halted guest.
      const isBeingCopied = this.isBeingCopied || (await exists(this.#options.paths.halting));
      const { status } = await this.execute<{ status: string }>('query-status', undefined, {
        timeoutMs: STATUS_TIMEOUT_MS,
      });
      if (this.#panicked && status === 'running') this.#reportState('crashed', 'panicked');
      else this.#reportState(stateOf(status, isBeingCopied), reasonOf(status));
    } catch (error) {
      if (error instanceof QmpClosedError && (await this.#hasExited())) return;
      this.#reportState('unknown');
    }
  }

  async #queryVncPort(): Promise<void> {
    if (this.#vnc !== 0) return;
    const { service } = await this.execute<{ service?: string }>('query-vnc', undefined, {
      timeoutMs: STATUS_TIMEOUT_MS,
    });
    this.#vnc = toPort(service);
  }

  async #onHeartbeat(): Promise<void> {
    const { paths, log, onBeat } = this.#options;
    await this.refresh();
    await onBeat().catch((error) => log.warn({ err: error }, errorMessage(error)));
    for (const path of [paths.serialLog, paths.qemuLog, tpmPaths(paths).log]) {
      await capLog(path).catch((error) => log.warn({ err: error }, errorMessage(error)));
    }
  }

  /** Handles the events of qapi/run-state.json. */
  #onEvent({ event, data, timestamp }: QmpEvent): void {
    if (event === 'SHUTDOWN') {
      this.#end.onShutdown(data.reason);
      this.#reportState('shutdown');
    } else if (event === 'WATCHDOG' && data.action === 'poweroff') {
      this.#end.onWatchdog();
    } else if (event === 'GUEST_PANICKED') {
      this.#panicked = true;
      this.#reportState('crashed', 'panicked');
    } else if (event === 'DEVICE_DELETED' && typeof data.device === 'string') {
      this.#options.onDeviceDeleted?.(data.device);
    } else if (RUN_STATE_EVENTS.has(event)) {
      if (event === 'STOP') this.haltedAt = timestamp.seconds * 1000 + timestamp.microseconds / 1000;
      if (event === 'RESUME') this.haltedAt = undefined;
      if (event === 'RESET') {
        this.#panicked = false;
        this.bootedAt = Date.now();
        this.resetCount += 1;
      }
      if (this.#monitor.connected) void this.refresh();
    }
  }
}
