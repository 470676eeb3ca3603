import { differenceOf, type GuestSize, resize, SIZE_KEYS, sizeOf } from '../../../model/guest-size.js';
import type { Pending } from '../../../model/pending.js';
import type { Definition } from '../machine/definition.js';
import type { GuestRecord } from './records.js';

/** What a guest has after its next start, as far as its size is concerned. */
export const nextSize = ({
  definition,
  pending = {},
}: Pick<GuestRecord, 'definition' | 'pending'>): GuestSize => resize(sizeOf(definition), pending);

const withSize = ({ maxMemory: _, maxCpu: __, ...definition }: Definition, size: GuestSize): Definition => ({
  ...definition,
  ...size,
});

/** Returns a record with the size that a guest has now and the one that it gets at its next start. */
export const resized = (
  { definition, pending = {} }: Pick<GuestRecord, 'definition' | 'pending'>,
  now: GuestSize,
  next: GuestSize,
): Required<Pick<GuestRecord, 'definition' | 'pending'>> => {
  const others = Object.entries(pending).filter(([key]) => !SIZE_KEYS.some((size) => size === key));
  const all: Pending = { ...Object.fromEntries(others), ...differenceOf(now, next) };
  return {
    definition: withSize(definition, now),
    pending: Object.keys(all).length > 0 ? all : undefined,
  };
};

/** Returns the definition that a guest starts with: all that waited for the start applies. */
export const startDefinition = (record: Pick<GuestRecord, 'definition' | 'pending'>): Definition =>
  record.pending ? withSize(record.definition, nextSize(record)) : record.definition;

/** What the agent and its clients see of a guest's size. */
export const toldSize = (
  record: Pick<GuestRecord, 'definition' | 'pending'>,
): GuestSize & { pending?: Pending } => ({
  ...sizeOf(record.definition),
  ...(record.pending ? { pending: record.pending } : {}),
});
