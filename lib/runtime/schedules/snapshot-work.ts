import { parseSnapshotId, type Snapshot } from '../../model/snapshot.js';
import type { MadeByRun } from '../../store/schedule-store.js';
import {
  querySnapshots,
  submitSnapshotCreation,
  submitSnapshotDeletion,
} from '../actions/snapshot-actions.js';
import { submitAfterBackup } from './after-backup.js';
import type { ScheduledWork, WorkContext } from './scheduled-work.js';
import { mayBeForgotten } from './submit-once.js';

/** The disks of one snapshot may have different times, and the one whose time was noted may have been removed. */
const SAME_MS = 60_000;

const isSame = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined
    ? one === other
    : Math.abs(Date.parse(one) - Date.parse(other)) < SAME_MS;

/** Returns when snapshots were taken, by their names; nothing where their sub-agent does not say. */
const creationTimes = (snapshots: readonly Snapshot[]): Map<string, string | undefined> =>
  new Map(snapshots.map(({ id, created }) => [parseSnapshotId(id)?.name ?? '', created]));

const timesOf = async ({ runtime, guest }: WorkContext): Promise<Map<string, string | undefined>> =>
  creationTimes((await querySnapshots(runtime, { guest })).result);

const madeOf = (name: string, due: string, created: string | undefined): MadeByRun => ({
  name,
  due,
  ...(created === undefined ? {} : { created }),
});

/** Takes snapshots of all disks of a guest. */
export const snapshotWork: ScheduledWork = {
  action: 'createSnapshot',

  nameOf: (schedule, due) => `auto-${schedule.name}-${due}`,

  make: async (context, { name, due }) => {
    const { runtime, schedule, guest } = context;
    if (mayBeForgotten(context, name)) {
      const times = await timesOf(context);
      if (times.has(name)) return madeOf(name, due, times.get(name));
    }
    const snapshot = { dest: name, description: `made by schedule ${schedule.name}` };
    const snapshots = await submitAfterBackup(context, name, (options) =>
      submitSnapshotCreation(runtime, { guest }, snapshot, options),
    );
    return madeOf(name, due, creationTimes(snapshots).get(name));
  },

  present: async (context, made) => {
    const times = await timesOf(context);
    return made.filter(({ name, created }) => times.has(name) && isSame(times.get(name), created));
  },

  remove: async (context, { name }) => {
    const { runtime, guest } = context;
    await submitAfterBackup(context, `delete ${name}`, (options) =>
      submitSnapshotDeletion(runtime, { guest, name }, options),
    );
  },
};
