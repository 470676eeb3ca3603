import type { ScheduleStatus } from '../../../model/schedule.js';
import { errorText, get } from '../api.js';
import { h } from '../dom.js';
import { stateBadge } from '../parts.js';
import { plainTable } from '../plain-table.js';
import { address, type View } from '../router.js';
import { scheduleDialog } from '../schedule-dialog.js';
import { ACTION_WORDS, guestsText, keepText, lastText, timeText } from '../schedule-words.js';
import { isReadOnly } from '../session.js';

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
  const load = async (): Promise<void> => {
    try {
      const all = await get<ScheduleStatus[]>('/schedules');
      list.replaceChildren(...all.map(row));
      note.textContent =
        all.length > 0 ? '' : 'No schedules yet. A schedule takes snapshots or backups by itself.';
    } catch (error) {
      note.textContent = errorText(error);
    }
    note.hidden = note.textContent === '';
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
      if (event.key !== 'n' || isReadOnly()) return false;
      create();
      return true;
    },
    close: () => clearInterval(timer),
  };
};
