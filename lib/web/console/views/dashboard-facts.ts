import type { Guest } from '../../../model/guest.js';
import { hasFailed, isOff } from '../../../model/intent.js';
import { shortId } from '../../../portable/format.js';
import type { Point } from '../metrics.js';
import type { JobState } from '../store.js';
import { actionWords } from '../words.js';

/** The groups of states that the dashboard counts. */
export interface Counts {
  running: number;
  off: number;
  /** Suspended, being made, or in a state that is not known. */
  other: number;
  /** Could not be created, crashed, or unhealthy. */
  failed: number;
}

/** Something that a person should look at. */
export interface Problem {
  title: string;
  text: string;
  /** The id of the guest. */
  guest?: string;
}

const nameOf = ({ id, metadata }: Guest): string => metadata?.name || shortId(id);

const isUnhealthy = ({ program }: Guest): boolean => program?.health === 'unhealthy';

const isFailed = (guest: Guest): boolean => guest.state === 'error' || hasFailed(guest) || isUnhealthy(guest);

const groupOf = (guest: Guest): keyof Counts => {
  if (isFailed(guest)) return 'failed';
  if (guest.state === 'running') return 'running';
  return isOff(guest) ? 'off' : 'other';
};

/** Counts guests by what they do; templates, which are always off, are left out. */
export const countsOf = (guests: Iterable<Guest>): Counts => {
  const counts: Counts = { running: 0, off: 0, other: 0, failed: 0 };
  for (const guest of guests) if (!guest.template) counts[groupOf(guest)] += 1;
  return counts;
};

const textOf = (guest: Guest, jobs: readonly JobState[]): string => {
  if (isUnhealthy(guest)) return 'its health check fails';
  if (guest.state !== 'error') return guest.reason ?? guest.state ?? '';
  const failed = jobs.find(({ job }) => job.GuestID === guest.id && job.Status === 'Error')?.job;
  return failed ? `${actionWords(failed.Action)}: ${failed.Message}` : 'it could not be created';
};

/**
 * Lists what is wrong right now: sub-agents that do not respond, guests that failed, and warnings.
 * @param jobs newest first
 */
export const problemsOf = (
  guests: Iterable<Guest>,
  jobs: readonly JobState[],
  down: ReadonlyMap<string, string>,
): Problem[] => {
  const all = [...guests];
  const failed = all.filter(isFailed);
  return [
    ...[...down].map(([service, reason]) => ({
      title: `Sub-agent ${service}`,
      text: reason ? `does not respond: ${reason}` : 'does not respond',
    })),
    ...failed.map((guest) => ({ title: nameOf(guest), text: textOf(guest, jobs), guest: guest.id })),
    ...all.flatMap((guest) =>
      (guest.warnings ?? []).map((text) => ({ title: nameOf(guest), text, guest: guest.id })),
    ),
  ];
};

/** Adds the load of guests up; `undefined` for none. */
export const totalOf = (points: readonly Point[]): Point | undefined => {
  const [first] = points;
  if (!first) return undefined;
  return points.slice(1).reduce(
    (sum, point) => ({
      at: Math.max(sum.at, point.at),
      cpu: sum.cpu + point.cpu,
      read: sum.read + point.read,
      written: sum.written + point.written,
      received: sum.received + point.received,
      sent: sum.sent + point.sent,
    }),
    first,
  );
};
