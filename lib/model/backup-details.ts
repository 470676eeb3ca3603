import { type Backup, backupSchema } from './backup.js';
import type { Guest } from './guest.js';
import { guestSchema } from './guest-schemas.js';

/** A backup with the record of its guest. */
export interface BackupDetails extends Backup {
  record: Guest;
}

export const backupDetailsSchema = backupSchema
  .append<BackupDetails>({ record: guestSchema.required() })
  .label('backup details')
  .description('A backup with the record of its guest as it was then; secrets are hidden as in a guest');
