import type { Words } from './program.js';

/** A health check, in place of the one of the image. */
export interface ContainerHealth {
  health?: {
    /** No words: the container has no health check, whatever its image says. */
    command: Words;
    /** Seconds from the end of a check to the next one. */
    interval?: number;
    /** Seconds after which a check has failed. */
    timeout?: number;
    /** After so many failures in a row it is unhealthy. */
    retries?: number;
    /** Seconds after the start in which failures do not count. */
    startPeriod?: number;
  };
}
