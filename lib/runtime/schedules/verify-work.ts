import { AgentError } from '../../errors.js';
import type { Backup } from '../../model/backup.js';
import { queryBackups } from '../actions/backup-queries.js';
import { submitBackupAction } from '../actions/submit-backup.js';
import type { ScheduledWork } from './scheduled-work.js';
import { submitOnce } from './submit-once.js';

const verifiedAt = ({ verified }: Backup): number => (verified ? Date.parse(verified.at) : 0);

/** Returns the newest backup that was never verified, or else the one whose verification is the oldest. */
const nextToVerify = (newestFirst: readonly Backup[]): Backup | undefined =>
  newestFirst.toSorted((one, other) => verifiedAt(one) - verifiedAt(other))[0];

/** Verifies a backup of each guest, another one each time. It makes nothing that retention could delete. */
export const verifyWork: ScheduledWork = {
  action: 'verifyBackup',

  nameOf: () => 'verify',

  make: async (context, { name }) => {
    const { runtime, guest } = context;
    await submitOnce(context, name, async (options) => {
      const { result } = await queryBackups(runtime, { guest: guest.id });
      const backup = nextToVerify(result);
      if (!backup) throw new AgentError('conflict', `guest ${guest.id} has no backup to verify`);
      return submitBackupAction(runtime, 'verifyBackup', backup.id, options);
    });
    return undefined;
  },
};
