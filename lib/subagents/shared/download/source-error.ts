/**
 * Why the bytes of a source stopped coming.
 * - `refused`: asking again would not help
 * - `interrupted`: it may go on where it stopped
 * - `start-over`: it may go on, but only from the first byte
 */
export type SourceFailure = 'refused' | 'interrupted' | 'start-over';

/** An image's source could not be read, or not to its end. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly failure: SourceFailure;

  constructor(failure: SourceFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
