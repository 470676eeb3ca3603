import type { Logger } from '../../../log.js';
import type { UidPool } from '../process/uids.js';
import { tpmOwner } from '../tpm/paths.js';
import type { GuestRecord } from './records.js';

interface Owner {
  /** `undefined` when the sub-agent is not root. */
  uids: UidPool | undefined;
  isRunning: boolean;
  log: Logger;
}

const withOwnUid = ({ uid, ...record }: GuestRecord, { uids, isRunning, log }: Owner): GuestRecord => {
  if (uid === undefined || uids === undefined) return uid === undefined ? record : { ...record, uid };
  const guest = record.definition.id;
  if (uids.isForeign(uid) && !isRunning) {
    log.warn({ guest, uid }, "uid is not in this agent's range, assigning a new one at the next start");
    return record;
  }
  if (uids.adopt(guest, uid)) return { ...record, uid };
  log.error({ guest, uid }, 'uid already belongs to another guest, assigning a new one');
  return record;
};

/** As `withOwnUid`, for the user of the guest's TPM. */
const withOwnTpmUid = ({ tpmUid, ...record }: GuestRecord, { uids, isRunning }: Owner): GuestRecord => {
  if (tpmUid === undefined) return record;
  const isUsable = !uids?.isForeign(tpmUid) || isRunning;
  const isOwn = uids === undefined || (isUsable && uids.adopt(tpmOwner(record.definition.id), tpmUid));
  return isOwn ? { ...record, tpmUid } : record;
};

/**
 * Reserves the uids of a guest's record. Drops one from the record, so that the next start assigns a new one, when another
 * guest's record has the same, or the guest is off and this agent has not claimed it.
 */
export const withOwnUids = (record: GuestRecord, owner: Owner): GuestRecord =>
  withOwnTpmUid(withOwnUid(record, owner), owner);
