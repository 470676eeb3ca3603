import { type GuestSize, resize, SIZE_KEYS, type SizeChange, sizeOf } from './guest-size.js';
import { counted } from './units.js';

/** The size of a guest before or after a change. */
export interface SizeState {
  size: GuestSize;
  /** What it becomes at the next start. */
  pending: SizeChange;
}

export const sizeStateOf = (guest: SizeChange & { pending?: SizeChange | null }): SizeState => ({
  size: sizeOf(guest),
  pending: guest.pending ?? {},
});

const megabytes = (mb: number | null | undefined): string => (mb ? `${mb} MB` : 'none');

const WORDS: { [Key in keyof GuestSize]-?: (value: number | null | undefined) => string } = {
  memory: (value) => `${megabytes(value)} of memory`,
  cpu: (value) => counted(value ?? 0, 'vCPU'),
  maxMemory: (value) => `${megabytes(value)} as maxMemory`,
  maxCpu: (value) => `${value ? counted(value, 'vCPU') : 'none'} as maxCpu`,
};

const listOf = (parts: readonly string[]): string =>
  [parts.slice(0, -1).join(', '), ...parts.slice(-1)].filter(Boolean).join(' and ');

const describe = (change: SizeChange): string =>
  listOf(SIZE_KEYS.flatMap((key) => (key in change ? [WORDS[key](change[key])] : [])));

/** Says in words what a change of a guest's size has changed, what waits for its next start, or that nothing changes. */
export const describeSize = (before: SizeState, after: SizeState): string => {
  const changed = Object.fromEntries(
    SIZE_KEYS.filter((key) => before.size[key] !== after.size[key]).map((key) => [
      key,
      after.size[key] ?? null,
    ]),
  );
  const hasChanged = Object.keys(changed).length > 0;
  const parts = [
    ...(hasChanged ? [`the guest has ${describe(changed)} now`] : []),
    ...(Object.keys(after.pending).length > 0
      ? [
          `${hasChanged ? 'it' : 'the guest'} gets ${describe(after.pending)} at its next start: shut it down and start it, or use reboot; restart is not enough`,
        ]
      : []),
  ];
  if (parts.length > 0) return parts.join('; ');
  const kept = describe(resize(after.size, {}));
  return Object.keys(before.pending).length > 0
    ? `the change that waited for the next start is cancelled: the guest keeps ${kept}`
    : `nothing changes: the guest has ${kept} already`;
};
