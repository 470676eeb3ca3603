import { EXIT, type ExitCode } from './exit-codes.js';

/** What went wrong on this side, with what to do about it. */
export class Failure extends Error {
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, hint?: string) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

export const usageFailure = (message: string, hint?: string): Failure =>
  new Failure(EXIT.usage, message, hint);

export const notFoundFailure = (message: string, hint?: string): Failure =>
  new Failure(EXIT.notFound, message, hint);
