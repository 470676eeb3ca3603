import { formatSeconds } from '../../portable/format.js';
import { otherTarget } from '../../portable/job-target.js';
import { showDialog } from './dialogs.js';
import { h } from './dom.js';
import { facts, stateBadge } from './parts.js';
import { address } from './router.js';
import { type JobState, store } from './store.js';
import { agoAndTime } from './times.js';
import { duration, jobWords } from './words.js';

const guestOf = ({ job }: JobState): string | Node => {
  const { GuestID, GuestName } = job;
  if (store.guests.has(GuestID)) return h('a', { href: address('guests', GuestID) }, store.nameOf(GuestID));
  return GuestName ? `${GuestName} (${GuestID}), which is gone` : GuestID;
};

/** Shows a job in a dialog, where its whole message fits. */
export const showJob = (state: JobState): void => {
  const { job } = state;
  const status = stateBadge();
  status.update(job.Status);
  const seconds = duration(job);
  const details = facts([
    ['Guest', otherTarget(job) === undefined ? guestOf(state) : undefined],
    ['Image', job.ImageID],
    ['Volume', job.VolumeID],
    ['Snapshot', job.SnapshotName],
    ['Requested by', job.RequestedBy],
    ['Status', status.element],
    ['Message', job.Message],
    ['Queued', agoAndTime(job.QueuedAt)],
    ['Duration', seconds === undefined ? undefined : formatSeconds(seconds)],
    ['Job ID', h('span', { class: 'mono' }, job.ID)],
  ]);
  details.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLAnchorElement) details.closest('dialog')?.close();
  });
  showDialog(jobWords(job), details);
};
