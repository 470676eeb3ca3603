// The browser console imports this file too: keep it free of Node and of other imports.

/** What is recorded of a guest or a host: CPU in percent of one CPU, memory in bytes, the others in bytes per second. */
export const HISTORY_KEYS = ['cpu', 'memory', 'read', 'written', 'received', 'sent'] as const;
export type HistoryKey = (typeof HISTORY_KEYS)[number];

/** Averages; a key without a value is absent. */
export type HistoryValues = Partial<Record<HistoryKey, number>>;

/** How far back each history reaches: the seconds of a step, and how many steps there are. */
export const HISTORY_RANGES = {
  hour: { step: 60, count: 60 },
  day: { step: 600, count: 144 },
  month: { step: 3600, count: 744 },
} as const;
export type HistoryRange = keyof typeof HISTORY_RANGES;

/** The averages of one step. */
export interface HistoryPoint extends HistoryValues {
  /** When the step began: RFC 3339. */
  time: string;
}

export interface History {
  range: HistoryRange;
  /** The seconds of each step. */
  step: number;
  /** Oldest first; steps without a measurement are left out. */
  points: HistoryPoint[];
}
