import { randomUUID } from 'node:crypto';
import { queryBackups } from '../actions/backup-queries.js';
import { submitBackup, submitBackupAction, submitPrune } from '../actions/submit-backup.js';
import type { ScheduledWork, WorkContext } from './scheduled-work.js';
import { mayBeForgotten, submitOnce } from './submit-once.js';

/** Returns when the backups of a guest were made, by their ids. */
const timesOf = async ({ runtime, guest }: WorkContext): Promise<Map<string, string>> => {
  const { result } = await queryBackups(runtime, { guest: guest.id });
  return new Map(result.map(({ id, created }) => [id, created]));
};

/** Backs guests up. */
export const backupWork: ScheduledWork = {
  action: 'createBackup',

  nameOf: () => randomUUID(),

  make: async (context, { name, due }) => {
    const { runtime, guest } = context;
    if (mayBeForgotten(context, name)) {
      const created = (await timesOf(context)).get(name);
      if (created !== undefined) return { name, due, created };
    }
    const { created } = await submitOnce(context, name, (options) =>
      submitBackup(runtime, guest, options, name),
    );
    return { name, due, ...(created === undefined ? {} : { created }) };
  },

  present: async (context, made) => {
    const times = await timesOf(context);
    return made.filter(({ name, created }) => created !== undefined && times.get(name) === created);
  },

  remove: async (context, { name }) => {
    await submitOnce(context, `delete ${name}`, (options) =>
      submitBackupAction(context.runtime, 'deleteBackup', name, options),
    );
  },

  /** What a deleted backup alone needed takes room until then. */
  tidy: async (context) => {
    await submitOnce(context, 'prune', (options) => submitPrune(context.runtime, options));
  },
};
