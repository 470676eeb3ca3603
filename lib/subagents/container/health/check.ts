import type { HealthConfig } from 'dockerode';
import type { HealthStatus } from '../../../model/program-run.js';
import { killGroup } from '../../../process/kill-group.js';
import { exec } from '../exec.js';
import type { Guests } from '../guests.js';
import { DEFAULT_RETRIES, DEFAULT_SECONDS } from './options.js';

const NS_PER_MS = 1e6;

/** A health check of a container, as its engine has it. */
export interface Check {
  command: string[];
  intervalMs: number;
  timeoutMs: number;
  startPeriodMs: number;
  /** After so many failures in a row the container is unhealthy. */
  retries: number;
}

const toMs = (ns: number | undefined, usual = DEFAULT_SECONDS * 1000): number =>
  ns ? ns / NS_PER_MS : usual;

/** Reads a health check; `undefined` for none. */
const readCheck = ({ Test, Interval, Timeout, StartPeriod, Retries }: HealthConfig): Check | undefined => {
  const [kind, ...words] = Test ?? [];
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return undefined;
  return {
    command: kind === 'CMD' ? words : ['/bin/sh', '-c', ...words],
    intervalMs: toMs(Interval),
    timeoutMs: toMs(Timeout),
    startPeriodMs: toMs(StartPeriod, 0),
    retries: Retries || DEFAULT_RETRIES,
  };
};

/** Returns the health check of a guest's container; `undefined` when it has none. */
export const checkOf = async (guests: Guests, id: string): Promise<Check | undefined> => {
  const { Config } = await guests.withContainer(id, (container) => container.inspect());
  return Config.Healthcheck ? readCheck(Config.Healthcheck) : undefined;
};

/**
 * Runs a health check once, and kills what still runs at its timeout, with its children.
 * @returns whether the check passed
 */
export const passes = async (
  guests: Guests,
  id: string,
  { command, timeoutMs }: Check,
  signal: AbortSignal,
): Promise<boolean> => {
  const { exited, exitCode, pid } = await exec(guests, id, { command, timeout: timeoutMs / 1000 }, signal);
  // The program leads a session of its own.
  if (!exited) killGroup(pid);
  return exited && exitCode === 0;
};

/** Concludes from the outcomes of a check, as Docker does. */
export class Outcomes {
  readonly #check: Check;
  readonly #startedAt: number;
  #failures = 0;
  #status: HealthStatus = 'starting';

  /** @param startedAt when the program started: milliseconds since 1970 */
  constructor(check: Check, startedAt: number) {
    this.#check = check;
    this.#startedAt = startedAt;
  }

  /** Takes an outcome into account. Failures in the start period do not count, until the first success. */
  add(passed: boolean, now = Date.now()): HealthStatus {
    if (passed) {
      this.#failures = 0;
      this.#status = 'healthy';
      return this.#status;
    }
    const isStarting = this.#status === 'starting' && now - this.#startedAt < this.#check.startPeriodMs;
    if (!isStarting) this.#failures += 1;
    if (this.#failures >= this.#check.retries) this.#status = 'unhealthy';
    return this.#status;
  }
}
