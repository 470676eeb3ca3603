import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from '../../log.js';
import type { ChildExit } from '../../process/child-exit.js';
import { describeAddress, type ServiceAddress } from '../../rpc/protocol/service-address.js';

/** A program that gives its reason prints few lines; more are a crash report, which belongs in the log. */
const MAX_LINES = 3;
const MAX_LENGTH = 1000;

interface LastExit {
  exit: ChildExit;
  lines: readonly string[];
  /** The milliseconds without an answer after which the agent ended it. */
  hungMs?: number | undefined;
}

const howItEnded = ({ exitCode, signal, reason }: ChildExit): string => {
  if (reason !== undefined) return `it could not be started: ${reason}`;
  return signal ? `it was ended by ${signal}` : `it exited with code ${exitCode}`;
};

const describe = ({ exit, lines, hungMs }: LastExit): string => {
  if (hungMs !== undefined)
    return `it did not answer its health call for ${hungMs / 1000} s, so the agent ended it`;
  if (lines.length === 0) return howItEnded(exit);
  const words = lines.length > MAX_LINES ? "the agent's log has its error messages" : lines.join('; ');
  return `${howItEnded(exit)}: ${words.slice(0, MAX_LENGTH)}`;
};

/** Remembers why the sub-agents that the agent starts exited last. */
export class LastExits {
  readonly #exits = new Map<string, LastExit>();

  /**
   * Logs what a service prints to standard error, such as Node's report of a crash. Its own log is on standard output.
   * @returns the lines; the last one may arrive after the exit
   */
  follow({ stderr }: ChildProcess, log: Logger): readonly string[] {
    const lines: string[] = [];
    if (stderr)
      createInterface({ input: stderr }).on('line', (line) => {
        if (line.trim() === '') return;
        log.warn(line);
        if (lines.length <= MAX_LINES) lines.push(line.trim());
      });
    return lines;
  }

  note(address: ServiceAddress, last: LastExit): void {
    this.#exits.set(describeAddress(address), last);
  }

  forget(address: ServiceAddress): void {
    this.#exits.delete(describeAddress(address));
  }

  /** As `reason`, for a sub-agent that the agent ended because it hung; `undefined` after any other exit. */
  hang(address: ServiceAddress): string | undefined {
    const last = this.#exits.get(describeAddress(address));
    return last?.hungMs === undefined ? undefined : describe(last);
  }

  /** Explains in a clause why the sub-agent at an address exited; `undefined` when it has not, or runs well again. */
  reason(address: ServiceAddress): string | undefined {
    const last = this.#exits.get(describeAddress(address));
    return last && describe(last);
  }
}
