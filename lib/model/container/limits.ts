/** A limit of setrlimit(2): one value for both, or one that the program can raise up to another. */
export type Ulimit = number | { soft: number; hard: number };

/** What a container may use of its host, beside `memory` and `cpu` of its guest. */
export interface ContainerLimits {
  /** Whether its memory has no limit. */
  unlimitedMemory?: boolean;
  /** MB of swap beyond its memory; by default what the engine gives. */
  swap?: number;
  /** By the names of setrlimit(2), in lower case and without `RLIMIT_`. */
  ulimits?: Record<string, Ulimit>;
}
