import type { FileHandle } from 'node:fs/promises';
import type { Metadata } from '../../../model/guest.js';

/** The choices of one call that turns a guest on or off. */
export interface PowerOptions {
  /** Milliseconds to wait for the guest, or for its QEMU to exit; each command has a default of its own. */
  timeoutMs?: number | undefined;
  /** Whether to end the guest by force when it does not comply in time. */
  force?: boolean | undefined;
  /** The disk or CD drive to boot from this once, as a boot order names it. */
  boot?: string | undefined;
  /** The guest's metadata as it is now; absent when the caller sent none. */
  metadata?: Metadata | undefined;
  /** Adds a note about a success to the job's message. */
  note?: ((message: string) => void) | undefined;
}

/** The choices of a start. */
export interface StartOptions extends Pick<PowerOptions, 'boot' | 'force' | 'note'> {
  /** The file that the memory of a template goes into while it is being warmed. It has no NICs then. */
  ram?: FileHandle | undefined;
}

/** How long a guest may take to shut itself down. */
export const SHUTDOWN_TIMEOUT_MS = 60_000;

export const inSeconds = (ms: number): string => `${ms / 1000} s`;
