import type { ErrorKind } from '../errors.js';

/** The exit codes of the program, documented in docs/cli.md. */
export const EXIT = {
  done: 0,
  /** The job, the agent or a sub-agent failed. */
  failed: 1,
  /** The command line or the request is invalid. */
  usage: 2,
  notFound: 3,
  unreachable: 4,
  /** The token is missing, or lacks the right. */
  notAllowed: 5,
  /** Refused in the current state: a conflict, a full queue, a failed precondition. */
  refused: 6,
  /** Ctrl-C: 128 plus the number of SIGINT, as in shells. */
  interrupted: 130,
  /** `guest exec` could not run its program to its end, as in ssh(1). */
  notRun: 255,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_STATUS: Record<number, ExitCode> = {
  0: EXIT.unreachable,
  400: EXIT.usage,
  401: EXIT.notAllowed,
  403: EXIT.notAllowed,
  404: EXIT.notFound,
  409: EXIT.refused,
  412: EXIT.refused,
  413: EXIT.usage,
  429: EXIT.refused,
};

/** @param status of a `MistifyError` */
export const exitCodeOf = (status: number): ExitCode => BY_STATUS[status] ?? EXIT.failed;

const BY_KIND: Partial<Record<ErrorKind, ExitCode>> = {
  invalid: EXIT.usage,
  forbidden: EXIT.notAllowed,
  not_found: EXIT.notFound,
  conflict: EXIT.refused,
};

/** @param kind of an error on this side, without a request */
export const exitCodeOfKind = (kind: ErrorKind): ExitCode => BY_KIND[kind] ?? EXIT.failed;
