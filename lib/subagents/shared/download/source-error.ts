/**
 * How a source failed.
 * - `interrupted`: a retry may resume where the bytes stopped
 * - `start-over`: a retry must start from the first byte
 */
export type SourceFailure = 'interrupted' | 'start-over';

/** A source that could not be read to its end. A source for which a retry would not help is a `Refusal`. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly failure: SourceFailure;

  constructor(failure: SourceFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
