import { lstat } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { ChildExit } from '../../../process/child-exit.js';
import type { GuestPaths } from '../layout.js';
import { reasonInLog, reasonOfDeath, reasonOfShutdown } from './end-reason.js';

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

export interface RunEndOptions {
  paths: GuestPaths;
  /** The end of the guest's QEMU, when this process has started it. */
  exit?: Promise<ChildExit> | undefined;
  log: Logger;
}

/** Does not follow links: the guest's QEMU can create one in its own directory. */
const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Collects what announces the end of a guest's run, and concludes from it how the run ended. */
export class RunEnd {
  readonly #options: RunEndOptions;
  #isStopping = false;
  #hasShutDown = false;
  #cause: unknown;
  #isWatchdog = false;

  constructor(options: RunEndOptions) {
    this.#options = options;
  }

  /** Whether QEMU exits because it was asked to, or has said that it will. */
  get isExpected(): boolean {
    return this.#isStopping || this.#hasShutDown;
  }

  /** Why the run ends, as far as that is known before QEMU has exited. */
  get reason(): string | undefined {
    if (this.#isStopping) return 'poweroff';
    return this.#isWatchdog ? 'watchdog' : reasonOfShutdown(this.#cause);
  }

  /** Call before the sub-agent ends the process. */
  expect(): void {
    this.#isStopping = true;
  }

  /** Call with the `reason` of QMP's SHUTDOWN event. */
  onShutdown(cause: unknown): void {
    this.#hasShutDown = true;
    this.#cause = cause;
  }

  /** Call when QEMU exits because the guest's watchdog has expired: it cleans up nothing then, as if it were killed. */
  onWatchdog(): void {
    this.#hasShutDown = true;
    this.#isWatchdog = true;
  }

  /** Concludes how the run ended. Call it once the process is gone, before its run directory is removed. */
  async outcome(): Promise<RunOutcome> {
    const { paths } = this.#options;
    const [isRecorded, isMarked] = [await exists(paths.pid), await exists(paths.upMark)];
    // QEMU removes the mark when it exits by itself.
    const killed = isRecorded && isMarked;
    return {
      crashed: killed && !this.isExpected,
      halted: this.#cause === 'guest-shutdown' && !killed,
      reason: await this.#finalReason(killed),
      isLost: !isRecorded,
    };
  }

  async #finalReason(killed: boolean): Promise<string | undefined> {
    const { paths, exit, log } = this.#options;
    try {
      if (killed && !this.#isStopping && !this.#isWatchdog) return await reasonOfDeath(paths, exit);
      return this.reason ?? (await reasonInLog(paths));
    } catch (error) {
      log.warn({ err: error }, errorMessage(error));
      return undefined;
    }
  }
}
