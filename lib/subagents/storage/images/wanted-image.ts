import type { ImageFormat } from '../../../model/image-formats.js';
import type { Space } from '../../shared/disk/space.js';
import type { Algorithm, Digests } from '../../shared/download/digests.js';
import type { ProgressReporter } from '../../shared/download/progress.js';

/** The image to fetch. */
export interface WantedImage {
  id: string;
  /** The location of its file: see `openSource`. */
  source: string;
  /** The sums that the served file must have. */
  digests: Digests;
  /** A file of sums that lists the source: see `openSource`. */
  sums: string | undefined;
  /** The format that the file is said to have. */
  format: ImageFormat | undefined;
  /** Whether to replace the image if the store has it. */
  refresh: boolean;
}

/** The state that a fetch shares with other fetches and with its callers. */
export interface FetchContext {
  /** Room on the store's device, shared with the other fetches. */
  space: Space;
  progress: ProgressReporter;
  /** Aborted to cancel the fetch. */
  signal: AbortSignal;
}

/** The sums to calculate of a file that must have those sums. */
export const algorithmsFor = (wanted: Digests): Algorithm[] => [
  'sha256',
  ...(wanted.sha512 ? ['sha512' as const] : []),
];
