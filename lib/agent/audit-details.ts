import type { AuditDetails, AuditEntry } from '../model/audit.js';
import { openNameOf } from '../model/open-name.js';
import type { GuestStore } from '../store/guest-store.js';
import type { JobLog } from '../store/job-log.js';

/** Looks up what an entry of the audit log names by ids: its guest's name, and what its job is about. */
export const auditDetails =
  ({ guests, jobs }: { guests: GuestStore; jobs: JobLog }) =>
  (entry: AuditEntry): AuditDetails => {
    if (entry.event === 'right') return {};
    const { guest: id, job: jobId, action } = entry;
    const job = jobId === undefined ? undefined : jobs.find(jobId)?.job;
    const guest = id === undefined ? undefined : guests.find(id);
    return {
      action: job?.Action ?? action,
      guestName: job?.GuestName ?? (guest && openNameOf(guest)),
      image: job?.ImageID,
      snapshot: job?.SnapshotName,
      volume: job?.VolumeID,
      backup: job?.BackupID,
    };
  };
