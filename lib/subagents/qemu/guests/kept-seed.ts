import { SEED_KEYS } from '../../../model/seed-metadata.js';
import type { Entry } from './entry.js';
import type { PowerOptions } from './power-options.js';

/** Notes which changed metadata a guest does not get, because the command keeps the seed of its last start. */
export const noteKeptSeed = (
  { record }: Entry,
  { metadata, note }: Pick<PowerOptions, 'metadata' | 'note'>,
  command: 'restart' | 'reboot',
): void => {
  if (!metadata) return;
  const current = record.definition.metadata ?? {};
  const changed = SEED_KEYS.filter((key) => (metadata[key] ?? '') !== (current[key] ?? ''));
  if (changed.length === 0) return;
  note?.(
    `the guest gets the changed ${changed.join(', ')} at its next start: shut it down and start it; ${command} is not enough`,
  );
};
