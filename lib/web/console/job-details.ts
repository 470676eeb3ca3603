import { formatAge, formatSeconds } from '../../portable/format.js';
import { showDialog } from './dialogs.js';
import { h } from './dom.js';
import { facts, stateBadge } from './parts.js';
import { address } from './router.js';
import { type JobState, store } from './store.js';
import { duration, jobWords } from './words.js';

const guestOf = ({ job: { GuestID } }: JobState): string | Node =>
  store.guests.has(GuestID) ? h('a', { href: address('guests', GuestID) }, store.nameOf(GuestID)) : GuestID;

const targetOf = (state: JobState): [string, string | Node] => {
  const { ImageID, VolumeID } = state.job;
  if (ImageID !== undefined) return ['Image', ImageID];
  return VolumeID === undefined ? ['Guest', guestOf(state)] : ['Volume', VolumeID];
};

/** Shows a job in a dialog, where its whole message fits. */
export const showJob = (state: JobState): void => {
  const { job } = state;
  const status = stateBadge();
  status.update(job.Status);
  const seconds = duration(job);
  const details = facts([
    targetOf(state),
    ['Status', status.element],
    ['Message', job.Message],
    ['Queued', formatAge(job.QueuedAt)],
    ['Duration', seconds === undefined ? undefined : formatSeconds(seconds)],
    ['Job ID', h('span', { class: 'mono' }, job.ID)],
  ]);
  details.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLAnchorElement) details.closest('dialog')?.close();
  });
  showDialog(jobWords(job), details);
};
