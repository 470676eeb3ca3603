import { lstat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { coalesce } from '../../../async/coalesce.js';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { ChildExit } from '../../../process/child-exit.js';
import type { QmpEvent, QmpExecuteOptions } from '../../../qmp/client.js';
import { QmpClosedError } from '../../../qmp/errors.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import type { GuestPaths } from '../layout.js';
import { capLog } from '../process/cap-log.js';
import { reasonInLog, reasonOfDeath, reasonOfShutdown } from './end-reason.js';
import { Monitor } from './monitor.js';
import { RUN_STATE_EVENTS, reasonOf, type State, stateOf } from './state.js';

const STATUS_TIMEOUT_MS = 3000;
/** How long a QEMU may take to exit, which includes writing its disks' caches out. */
export const EXIT_WAIT_MS = 20_000;
/** How long a query waits for the exit of a QEMU that has closed its socket, before it reports `unknown`. */
const QUERY_EXIT_WAIT_MS = 2000;
/** How long removing an exited QEMU's taps and files may take. */
const CLEANUP_WAIT_MS = 30_000;
const MAX_PORT = 65_535;

/** How a guest's run ended. */
export interface RunOutcome {
  /** QEMU was killed or died without having been asked to exit. */
  crashed: boolean;
  /** The guest shut itself down, and QEMU wrote its disks out. */
  halted: boolean;
  /** Why it ended, as in `GuestState`, if that is known. */
  reason: string | undefined;
  /** Its run directory was gone, as after a restart of the host. */
  isLost: boolean;
}

export interface WatchOptions {
  id: string;
  paths: GuestPaths;
  states: GuestStates;
  log: Logger;
  /** When its QEMU was started, in milliseconds since 1970; now by default. */
  bootedAt?: number | undefined;
  /** The end of its QEMU, when this process has started it. */
  exit?: Promise<ChildExit> | undefined;
  /** Called once, after the process is gone; `exited` resolves after it. */
  onExit: (outcome: RunOutcome) => Promise<void>;
}

/** Does not follow links: the guest's QEMU can create one in its own directory. */
const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

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
  /** When QEMU last halted the vCPUs of a guest that is halted, in milliseconds since 1970, if this watch saw it. */
  haltedAt: number | undefined;
  readonly #options: WatchOptions;
  readonly #monitor: Monitor;
  #markStateKnown: () => void = () => undefined;
  /** The TCP port of the VNC server; 0 until QEMU has reported it. */
  #vnc = 0;
  #exitExpected = false;
  /** Whether the sub-agent ends the process. */
  #isStopping = false;
  #endReason: string | undefined;
  #halted = false;
  #panicked = false;

  constructor(options: WatchOptions) {
    this.#options = options;
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
    this.#exitExpected = true;
    this.#isStopping = true;
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
    const { paths, onExit, log } = this.#options;
    // QEMU removes the mark when it exits by itself.
    const killed = (await exists(paths.pid)) && (await exists(paths.upMark));
    const outcome = {
      crashed: killed && !this.#exitExpected,
      halted: this.#halted && !killed,
      reason: await this.#reasonOfEnd(killed),
      isLost: !(await exists(paths.pid)),
    };
    await onExit(outcome).catch((error) => log.error({ err: error }, errorMessage(error)));
    this.#markStateKnown();
  }

  async #reasonOfEnd(killed: boolean): Promise<string | undefined> {
    const { paths, exit, log } = this.#options;
    if (this.#isStopping) return 'poweroff';
    try {
      return killed ? await reasonOfDeath(paths, exit) : (this.#endReason ?? (await reasonInLog(paths)));
    } catch (error) {
      log.warn({ err: error }, errorMessage(error));
      return undefined;
    }
  }

  #reportState(state: State, reason?: string): void {
    if (this.#monitor.closed) return;
    this.#markStateKnown();
    const { states, id } = this.#options;
    if (this.#exitExpected)
      states.set(id, 'shutdown', this.#vnc, this.#isStopping ? 'poweroff' : this.#endReason);
    else states.set(id, state, this.#vnc, reason);
  }

  async #queryState(): Promise<void> {
    try {
      await this.#queryVncPort();
      const { status } = await this.execute<{ status: string }>('query-status', undefined, {
        timeoutMs: STATUS_TIMEOUT_MS,
      });
      if (this.#panicked && status === 'running') this.#reportState('crashed', 'panicked');
      else this.#reportState(stateOf(status), reasonOf(status));
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
    const { paths, log } = this.#options;
    await this.refresh();
    for (const path of [paths.serialLog, paths.qemuLog]) {
      await capLog(path).catch((error) => log.warn({ err: error }, errorMessage(error)));
    }
  }

  /** Handles the events of qapi/run-state.json. */
  #onEvent({ event, data, timestamp }: QmpEvent): void {
    if (event === 'SHUTDOWN') {
      this.#exitExpected = true;
      this.#halted = data.reason === 'guest-shutdown';
      this.#endReason = reasonOfShutdown(data.reason);
      this.#reportState('shutdown');
    } else if (event === 'GUEST_PANICKED') {
      this.#panicked = true;
      this.#reportState('crashed', 'panicked');
    } else if (RUN_STATE_EVENTS.has(event)) {
      if (event === 'STOP') this.haltedAt = timestamp.seconds * 1000 + timestamp.microseconds / 1000;
      if (event === 'RESUME') this.haltedAt = undefined;
      if (event === 'RESET') {
        this.#panicked = false;
        this.bootedAt = Date.now();
      }
      if (this.#monitor.connected) void this.refresh();
    }
  }
}
