import type { ErrorKind } from '../errors.js';

/** What the program ends with, so that scripts can tell; docs/cli.md has them too. */
export const EXIT = {
  done: 0,
  /** The job failed, or the agent or one of its sub-agents did. */
  failed: 1,
  /** The command line, or what it asks for, makes no sense. */
  usage: 2,
  notFound: 3,
  unreachable: 4,
  /** Without a token, or with one that may not do this. */
  notAllowed: 5,
  /** It is at odds with the state of things for now: a conflict, a queue that is full, a change that came first. */
  refused: 6,
  /** By Ctrl-C, as shells have it: 128 and the number of SIGINT. */
  interrupted: 130,
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

/** @param status as a `MistifyError` has it */
export const exitCodeOf = (status: number): ExitCode => BY_STATUS[status] ?? EXIT.failed;

const BY_KIND: Partial<Record<ErrorKind, ExitCode>> = {
  invalid: EXIT.usage,
  not_found: EXIT.notFound,
  conflict: EXIT.refused,
};

/** @param kind of an error of what is done here, without the agent */
export const exitCodeOfKind = (kind: ErrorKind): ExitCode => BY_KIND[kind] ?? EXIT.failed;
