/** The choices of one call that turns a guest on or off. */
export interface PowerOptions {
  /** Milliseconds to wait for the guest, or for its QEMU to exit; each command has a default of its own. */
  timeoutMs?: number | undefined;
  /** Whether to end the guest without its consent when it does not do what it was asked to in time. */
  force?: boolean | undefined;
  /** Takes what the caller should know about a success; it becomes part of the job's message. */
  note?: ((message: string) => void) | undefined;
}

/** How long a guest may take to shut itself down. */
export const SHUTDOWN_TIMEOUT_MS = 60_000;

export const inSeconds = (ms: number): string => `${ms / 1000} s`;
