import { PartlyDoneError } from './errors.js';

/** A rollback that reached only some of the disks. */
export class TornError extends PartlyDoneError {
  override readonly name = 'TornError';
  /** The numbers of the disks that are not rolled back. */
  readonly left: number[];

  constructor(message: string, left: number[], options?: ErrorOptions) {
    super(message, options);
    this.left = left;
  }
}
