import { path } from '../../../client/path.js';
import { isFinished } from '../../../model/job.js';
import { formatSeconds } from '../../../portable/format.js';
import { jobObject, jobTarget } from '../../../portable/job-target.js';
import { sendRequest } from '../api.js';
import { attempt } from '../dialogs.js';
import { h, setAttribute, setText } from '../dom.js';
import { showJob } from '../job-details.js';
import { ListFilter } from '../list-filter.js';
import { jobProgress, stateCell } from '../parts.js';
import { address, type View } from '../router.js';
import { type JobState, store } from '../store.js';
import { timeCell } from '../times.js';
import { type Cell, type TableColumn, textCell, VirtualTable } from '../virtual-table.js';
import { actionWords, count, duration, jobWords } from '../words.js';

const cancel = (id: string): Promise<void> => attempt(() => sendRequest('DELETE', path`/jobs/${id}`));

/** The action, what it is done with, and the error on narrow pages, which have no message column. */
const actionCell = (): Cell<JobState> => {
  const action = h('span', { class: 'ellipsis' });
  const object = h('small', { class: 'ellipsis' });
  const failure = h('small', { class: 'ellipsis narrow-only' });
  return {
    element: h('span', { class: 'lines' }, action, object, failure),
    update: ({ job }) => {
      setText(action, jobWords(job));
      setText(object, jobObject(job));
      setText(failure, job.Status === 'Error' ? job.Message : '');
    },
  };
};

const guestCell = (): Cell<JobState> => {
  const link = h('a');
  const other = h('span', { class: 'faint' });
  return {
    element: h('span', {}, link, other),
    update: ({ job }) => {
      const { GuestID } = job;
      const exists = store.guests.has(GuestID);
      // A link without an address or a text would still be a tab stop.
      link.hidden = !exists;
      setText(link, exists ? store.nameOf(GuestID) : '');
      setAttribute(link, 'href', address('guests', GuestID));
      setText(other, exists ? '' : jobTarget(job));
    },
  };
};

const messageCell = (): Cell<JobState> => {
  const progress = jobProgress(({ job }) => job.Message);
  const message = h('span', { class: 'ellipsis' });
  return {
    element: h('span', { class: 'message' }, progress.element, message),
    update: (state) => {
      progress.update(state);
      setText(message, isFinished(state.job) ? state.job.Message : '');
      setAttribute(message, 'title', state.job.Message);
    },
  };
};

const cancelCell = (): Cell<JobState> => {
  let id = '';
  const button = h('button', { class: 'small changes', onclick: () => void cancel(id) }, 'Cancel');
  return {
    element: button,
    update: ({ job }) => {
      id = job.ID;
      button.hidden = isFinished(job);
      setAttribute(button, 'aria-label', `Cancel ${actionWords(job.Action)}`);
    },
  };
};

const columnsOf = (isOfOneGuest: boolean): TableColumn<JobState>[] => [
  { title: 'Action', class: 'c-action', cell: actionCell },
  ...(isOfOneGuest ? [] : [{ title: 'Guest or image', class: 'c-guest', cell: guestCell }]),
  { title: 'Status', class: 'c-state', cell: stateCell(({ job }) => job.Status) },
  { title: 'Message', class: 'c-message medium-only', cell: messageCell },
  {
    title: 'Duration',
    class: 'c-number medium-only',
    cell: textCell(({ job }) => {
      const seconds = duration(job);
      return seconds === undefined ? '' : formatSeconds(seconds);
    }),
  },
  {
    title: 'By',
    class: 'c-kind wide-only',
    cell: textCell(({ job: { RequestedBy, Cause } }) => RequestedBy ?? Cause ?? ''),
  },
  { title: 'Queued', class: 'c-time medium-only', cell: timeCell(({ job }) => job.QueuedAt) },
  { title: 'Actions', isTitleHidden: true, class: 'c-cancel', cell: cancelCell },
];

/** Creates a table of jobs, newest first, of all guests or of one. */
export const jobsTable = (isOfOneGuest = false): VirtualTable<JobState> =>
  new VirtualTable<JobState>({
    label: 'Jobs',
    columns: columnsOf(isOfOneGuest),
    idOf: ({ job }) => job.ID,
    open: showJob,
    empty: () => {
      if (!store.areJobsLoaded) return 'Loading …';
      return isOfOneGuest || store.jobs.size === 0 ? 'No jobs yet.' : 'No jobs match the filter.';
    },
  });

const textOf = ({ job }: JobState): string =>
  [
    ...[job.ID, job.Status, job.Message, jobWords(job), jobTarget(job), jobObject(job)],
    ...[job.GuestID, store.nameOf(job.GuestID), job.RequestedBy],
  ].join(' ');

export const jobsView = (): View => {
  const table = jobsTable();
  const draw = (): void => {
    table.items = filter.apply(store.jobList());
  };
  const filter = new ListFilter<JobState>({
    ...{
      label: 'Filter jobs',
      placeholder: 'Filter by guest, image, message',
      textOf,
      table,
      onChange: draw,
    },
    choices: [
      { key: 'action', label: 'Action', any: 'Any action', of: ({ job }) => [actionWords(job.Action)] },
      { key: 'status', label: 'Status', any: 'Any status', of: ({ job }) => [job.Status] },
      {
        ...{ key: 'by', label: 'Requested by', any: 'Anyone' },
        of: ({ job: { RequestedBy, Cause } }) => [RequestedBy ?? Cause],
      },
    ],
  });
  const summary = h('span', { class: 'faint', role: 'status' });
  return {
    title: 'Jobs',
    element: h(
      'section',
      { class: 'page fill' },
      h('div', { class: 'toolbar' }, h('h1', {}, 'Jobs'), filter.element, summary),
      table.element,
    ),
    update: (kinds) => {
      if (!kinds.has('jobs') && !kinds.has('guests')) return;
      draw();
      setText(summary, `${count(store.jobs.size, 'job')}, ${store.active.size} queued or running`);
    },
    key: (event) => filter.key(event) || table.key(event),
    focus: () => table.element.focus({ preventScroll: true }),
  };
};
