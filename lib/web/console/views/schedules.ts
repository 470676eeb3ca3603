import type { ScheduleStatus } from '../../../model/schedule.js';
import { errorText, get } from '../api.js';
import { h } from '../dom.js';
import { ListFilter } from '../list-filter.js';
import { stateBadge } from '../parts.js';
import { plainTable } from '../plain-table.js';
import { address, type View } from '../router.js';
import { scheduleDialog } from '../schedule-dialog.js';
import { ACTION_WORDS, guestsText, keepText, lastText } from '../schedule-words.js';
import { isReadOnly } from '../session.js';
import { store } from '../store.js';
import { timeText } from '../times.js';

/** Ages and the next time move on without an event. */
const INTERVAL_MS = 30_000;

const outcomeOf = ({ last, skipped }: ScheduleStatus): string =>
  skipped ? 'skipped' : (last?.outcome ?? 'new');

const row = (schedule: ScheduleStatus): HTMLElement => {
  const { id, name, action, cron, guests, keep, next } = schedule;
  const badge = stateBadge();
  badge.update(outcomeOf(schedule));
  return h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      h('div', {}, h('a', { href: address('schedules', id) }, name)),
      h('small', {}, `${ACTION_WORDS[action]}, ${guestsText(guests)}`),
      ' ',
      h('small', { class: 'narrow-only' }, next === undefined ? 'disabled' : `next ${timeText(next)}`),
    ),
    h('td', {}, h('div', {}, badge.element), h('small', {}, lastText(schedule))),
    h('td', { class: 'medium-only' }, h('code', {}, cron)),
    h('td', { class: 'medium-only' }, next === undefined ? 'disabled' : timeText(next)),
    h('td', { class: 'medium-only' }, action === 'verify' ? '' : keepText(keep)),
  );
};

/** All schedules of the host. */
export const schedulesView = (): View => {
  const list = h('tbody');
  const note = h('p', { class: 'empty' }, 'Loading …');
  let schedules: ScheduleStatus[] = [];
  const say = (text: string): void => {
    note.textContent = text;
    note.hidden = text === '';
  };
  const draw = (): void => {
    const shown = filter.apply(schedules);
    list.replaceChildren(...shown.map(row));
    if (shown.length > 0) say('');
    else if (schedules.length > 0) say('No schedules match the filter.');
    else say('No schedules yet. A schedule takes snapshots or backups by itself.');
  };
  const filter = new ListFilter<ScheduleStatus>({
    ...{ label: 'Filter schedules', placeholder: 'Filter by name, guest, tag', onChange: draw },
    textOf: ({ name, cron, guests }) =>
      [name, cron, guestsText(guests), ...(guests.ids ?? []).map((id) => store.nameOf(id))].join(' '),
    choices: [
      {
        ...{ key: 'action', label: 'Action', any: 'Any action' },
        of: ({ action }) => [ACTION_WORDS[action]],
      },
    ],
    toggles: [
      {
        ...{ key: 'errors', label: 'Errors only' },
        includes: (schedule) => ['error', 'skipped'].includes(outcomeOf(schedule)),
      },
    ],
  });
  const load = async (): Promise<void> => {
    try {
      schedules = await get<ScheduleStatus[]>('/schedules');
      draw();
    } catch (error) {
      say(errorText(error));
    }
  };
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void load();
  }, INTERVAL_MS);
  const create = (): void => void scheduleDialog();
  return {
    title: 'Schedules',
    element: h(
      'section',
      { class: 'page' },
      h(
        'div',
        { class: 'toolbar' },
        h('h1', {}, 'Schedules'),
        filter.element,
        h('span', { class: 'grow' }),
        h('button', { class: 'primary changes', 'aria-keyshortcuts': 'n', onclick: create }, 'New schedule'),
      ),
      plainTable(
        [['Name'], ['Last run'], ['When', 'medium-only'], ['Next', 'medium-only'], ['Keep', 'medium-only']],
        list,
        { label: 'Schedules' },
      ),
      note,
    ),
    update: (kinds) => {
      if (kinds.has('schedules') || kinds.has('guests')) void load();
    },
    key: (event) => {
      if (event.key !== 'n' || isReadOnly()) return filter.key(event);
      create();
      return true;
    },
    close: () => clearInterval(timer),
  };
};
