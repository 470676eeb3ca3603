import { formatSeconds } from '../../portable/format.js';
import { showDialog } from './dialogs.js';
import { h } from './dom.js';
import { facts, stateBadge } from './parts.js';
import { address } from './router.js';
import { type JobState, store } from './store.js';
import { actionWords, age, duration } from './words.js';

const guestOf = ({ job: { GuestID } }: JobState): string | Node =>
  store.guests.has(GuestID) ? h('a', { href: address('guests', GuestID) }, store.nameOf(GuestID)) : GuestID;

/** All that is known of a job: its message may be longer than a row. */
export const showJob = (state: JobState): void => {
  const { job } = state;
  const status = stateBadge();
  status.update(job.Status);
  const took = duration(state);
  const details = facts([
    ['Guest', guestOf(state)],
    ['Status', status.element],
    ['Message', job.Message],
    ['Asked for', age(job.QueuedAt)],
    ['Took', took === undefined ? undefined : formatSeconds(took)],
    ['Job', h('span', { class: 'mono' }, job.ID)],
  ]);
  details.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLAnchorElement) details.closest('dialog')?.close();
  });
  showDialog(actionWords(job.Action), details);
};
