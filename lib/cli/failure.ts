import { InvalidArgumentError } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.js';

/** An error on this side, with an exit code and a hint. */
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

/** Rejects the value of an option or argument. The advice becomes a sentence, because commander puts it after one. */
export const invalidValue = (advice: string): InvalidArgumentError =>
  new InvalidArgumentError(`${advice.charAt(0).toUpperCase()}${advice.slice(1)}.`);
