import {
  HISTORY_KEYS,
  HISTORY_RANGES,
  type HistoryKey,
  type HistoryPoint,
  type HistoryRange,
  type HistoryValues,
} from '../../model/history.js';

/** The first bytes of a ring, with the version of its layout. */
const HEADER = Buffer.from('mistify-history1');
const STAMP_BYTES = 4;
const VALUE_BYTES = 4;
const SLOT_BYTES = STAMP_BYTES + HISTORY_KEYS.length * VALUE_BYTES;

const RANGES = Object.keys(HISTORY_RANGES) as HistoryRange[];

/** Where the slots of each range begin. */
const OFFSETS = new Map<HistoryRange, number>();
let size = HEADER.length;
for (const range of RANGES) {
  OFFSETS.set(range, size);
  size += HISTORY_RANGES[range].count * SLOT_BYTES;
}

/** The bytes of a ring. */
export const RING_BYTES = size;

/** A part of a ring that has changed. */
export interface ChangedPart {
  /** In bytes. */
  start: number;
  bytes: Buffer;
}

/** The steps of `to` that the steps of `from` lie in. */
const coarser = (steps: Iterable<number>, from: HistoryRange, to: HistoryRange): Set<number> => {
  const ratio = HISTORY_RANGES[to].step / HISTORY_RANGES[from].step;
  return new Set([...steps].map((step) => Math.floor(step / ratio)));
};

const average = (all: readonly HistoryValues[], key: HistoryKey): number | undefined => {
  const values = all.flatMap((each) => each[key] ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
};

/**
 * The history of a guest or a host in a fixed number of bytes. A step is a time divided by the seconds of the range's steps;
 * each has the slot of its remainder. The slot begins with the step, so that one of an earlier round is not taken for it.
 */
export class Ring {
  readonly #bytes: Buffer;
  /** The first and the last slot of each range that has changed. */
  readonly #changed = new Map<HistoryRange, [number, number]>();
  readonly #isNew: boolean;

  /** @param stored the bytes of a ring; those of another layout count as none */
  constructor(stored?: Buffer) {
    this.#isNew = stored?.length !== RING_BYTES || !stored.subarray(0, HEADER.length).equals(HEADER);
    this.#bytes = this.#isNew || !stored ? Buffer.alloc(RING_BYTES) : stored;
    HEADER.copy(this.#bytes);
  }

  /** Adds measurements, by minute, and averages the coarser ranges anew. */
  add(minutes: ReadonlyMap<number, HistoryValues>): void {
    for (const [minute, values] of minutes) this.#set('hour', minute, values);
    const days = coarser(minutes.keys(), 'hour', 'day');
    for (const day of days) this.#set('day', day, this.#averageOf('hour', 'day', day));
    for (const month of coarser(days, 'day', 'month'))
      this.#set('month', month, this.#averageOf('day', 'month', month));
  }

  /** Returns what has changed since the ring was made, in few parts. */
  changes(): ChangedPart[] {
    if (this.#isNew) return [{ start: 0, bytes: this.#bytes }];
    return [...this.#changed].map(([range, [first, last]]) => {
      const start = (OFFSETS.get(range) ?? 0) + first * SLOT_BYTES;
      return { start, bytes: this.#bytes.subarray(start, start + (last - first + 1) * SLOT_BYTES) };
    });
  }

  /** Returns the points of a range up to now, oldest first. */
  points(range: HistoryRange, nowMs: number): HistoryPoint[] {
    const { step, count } = HISTORY_RANGES[range];
    const last = Math.floor(nowMs / 1000 / step);
    const points: HistoryPoint[] = [];
    for (let at = last - count + 1; at <= last; at += 1) {
      const values = this.#get(range, at);
      if (values) points.push({ time: new Date(at * step * 1000).toISOString(), ...values });
    }
    return points;
  }

  #averageOf(from: HistoryRange, to: HistoryRange, step: number): HistoryValues {
    const ratio = HISTORY_RANGES[to].step / HISTORY_RANGES[from].step;
    const all = Array.from({ length: ratio }, (_, index) => this.#get(from, step * ratio + index) ?? {});
    return Object.fromEntries(
      HISTORY_KEYS.flatMap((key) => {
        const value = average(all, key);
        return value === undefined ? [] : [[key, value]];
      }),
    );
  }

  #get(range: HistoryRange, step: number): HistoryValues | undefined {
    const at = this.#offsetOf(range, step);
    if (this.#bytes.readUInt32LE(at) !== step) return undefined;
    return Object.fromEntries(
      HISTORY_KEYS.flatMap((key, index) => {
        const value = this.#bytes.readFloatLE(at + STAMP_BYTES + index * VALUE_BYTES);
        return Number.isNaN(value) ? [] : [[key, value]];
      }),
    );
  }

  #set(range: HistoryRange, step: number, values: HistoryValues): void {
    const at = this.#offsetOf(range, step);
    this.#bytes.writeUInt32LE(step, at);
    for (const [index, key] of HISTORY_KEYS.entries())
      this.#bytes.writeFloatLE(values[key] ?? Number.NaN, at + STAMP_BYTES + index * VALUE_BYTES);
    const slot = step % HISTORY_RANGES[range].count;
    const [first, last] = this.#changed.get(range) ?? [slot, slot];
    this.#changed.set(range, [Math.min(first, slot), Math.max(last, slot)]);
  }

  #offsetOf(range: HistoryRange, step: number): number {
    return (OFFSETS.get(range) ?? 0) + (step % HISTORY_RANGES[range].count) * SLOT_BYTES;
  }
}
