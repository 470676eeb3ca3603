/** Words as they are, or a line that is split into words as a POSIX shell splits it. */
export type Words = string[] | string;

/** What a container runs. */
export interface ContainerProgram {
  /** Replaces the command of the image. */
  command?: Words;
  /** Replaces the entry point of the image. */
  entrypoint?: Words;
  env?: Record<string, string>;
  /** Environment variables that no client may read. */
  secretEnv?: Record<string, string>;
  /** A user of the image, by name or number, and perhaps a group: `www-data`, `1000:1000`. */
  user?: string;
  workingDir?: string;
  hostname?: string;
  /** For the engine, whose tools show them. */
  labels?: Record<string, string>;
  /** The signal that asks its program to exit; by default the one of the image, or SIGTERM. */
  stopSignal?: string;
  /** Seconds that its program gets to exit. */
  stopTimeout?: number;
  /** Whether an init process reaps the processes that its program leaves behind. */
  init?: boolean;
}
