import { path } from '../../../client/path.js';
import type { ScheduleDetails, ScheduleGuest } from '../../../model/schedule.js';
import { errorText, get, sendRequest } from '../api.js';
import { attempt, confirm, toast } from '../dialogs.js';
import { h } from '../dom.js';
import { facts, stateBadge } from '../parts.js';
import { plainTable } from '../plain-table.js';
import { address, goToList, type View } from '../router.js';
import { scheduleDialog } from '../schedule-dialog.js';
import { ACTION_WORDS, guestsText, keepText, lastText } from '../schedule-words.js';
import { store } from '../store.js';
import { agoAndTime, timeText } from '../times.js';
import { capital, count } from '../words.js';

const INTERVAL_MS = 30_000;

const messageOf = ({ run, skipped, selected }: ScheduleGuest): string =>
  [
    run?.message,
    skipped && `skipped ${timeText(skipped.due)}: ${skipped.reason}`,
    !selected && 'no longer included',
  ]
    .filter(Boolean)
    .join('; ');

const row = (status: ScheduleGuest): HTMLElement => {
  const { guest, run, good, kept, expired } = status;
  const badge = stateBadge();
  badge.update(run?.outcome ?? 'new');
  const message = messageOf(status);
  return h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      h('a', { href: address('guests', guest) }, store.nameOf(guest)),
      ' ',
      h('small', { class: 'narrow-only' }, message),
    ),
    h('td', { title: run ? timeText(run.due) : '' }, badge.element),
    h('td', {}, good === undefined ? 'never' : agoAndTime(good)),
    h('td', { class: 'c-number' }, String(kept.length)),
    h('td', { class: 'c-number medium-only', title: expired.join('\n') }, String(expired.length)),
    h('td', { class: 'medium-only faint' }, message),
  );
};

const factsOf = (schedule: ScheduleDetails): HTMLElement =>
  facts([
    ['Action', ACTION_WORDS[schedule.action]],
    ['Guests', capital(guestsText(schedule.guests))],
    ['When', `${schedule.cron} (${schedule.timezone})`],
    ['Next', schedule.next === undefined ? 'Disabled' : timeText(schedule.next)],
    ['Last', lastText(schedule)],
    ['Keeps', schedule.action === 'verify' ? undefined : keepText(schedule.keep)],
    ['Missed runs', schedule.missed === 'run' ? 'one run makes up for them' : 'skipped'],
  ]);

/** One schedule, with what it has done for each guest. */
export const scheduleView = (id: string): View => {
  const target = path`/schedules/${id}`;
  const title = h('h1', {}, 'Schedule');
  const content = h('div', {}, 'Loading …');
  let schedule: ScheduleDetails | undefined;
  let isDeleted = false;

  const run = (): Promise<void> =>
    attempt(async () => {
      await sendRequest('POST', `${target}/run`);
      toast(`${title.textContent} runs.`);
      await load();
    });
  const remove = async (): Promise<void> => {
    const hasConfirmed = await confirm(
      {
        title: `Delete schedule ${title.textContent}?`,
        text: 'What it has made stays, and is no longer deleted by itself.',
        action: 'Delete',
        isDangerous: true,
      },
      async () => {
        // The event of the deletion may come before the response.
        isDeleted = true;
        await sendRequest('DELETE', target).catch((error: unknown) => {
          isDeleted = false;
          throw error;
        });
      },
    );
    if (hasConfirmed) goToList('schedules');
  };
  const button = (text: string, onclick: () => void): HTMLButtonElement =>
    h('button', { class: 'changes', onclick }, text);
  const buttons = h(
    'span',
    { class: 'row', hidden: true },
    button('Run now', () => void run()),
    button('Change', () => schedule && void scheduleDialog(schedule)),
    button('Delete', () => void remove()),
  );

  const load = async (): Promise<void> => {
    if (isDeleted) return;
    try {
      schedule = await get<ScheduleDetails>(target);
      const { name, status, action } = schedule;
      title.textContent = name;
      document.title = `${name} · Mistify`;
      buttons.hidden = false;
      const expired = status.reduce((sum, each) => sum + each.expired.length, 0);
      content.replaceChildren(
        factsOf(schedule),
        h('h2', {}, 'Guests'),
        plainTable(
          [
            ['Guest'],
            ['Last run'],
            ['Last good'],
            ['Kept', 'c-number'],
            ['Expired', 'c-number medium-only'],
            ['Message', 'medium-only'],
          ],
          h('tbody', {}, ...status.map(row)),
          { label: 'Guests' },
        ),
        ...(status.length === 0 ? [h('p', { class: 'empty' }, 'It has no guests now.')] : []),
        ...(expired > 0
          ? [h('p', { class: 'faint' }, `The next run deletes ${count(expired, action)}.`)]
          : []),
      );
    } catch (error) {
      content.replaceChildren(h('p', { class: 'problem' }, errorText(error)));
    }
  };
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void load();
  }, INTERVAL_MS);
  return {
    title: 'Schedule',
    element: h(
      'section',
      { class: 'page' },
      h('div', { class: 'toolbar' }, title, h('span', { class: 'grow' }), buttons),
      content,
    ),
    update: (kinds) => {
      if (kinds.has('schedules')) void load();
    },
    key: (event) => {
      if (event.key !== 'Escape') return false;
      goToList('schedules');
      return true;
    },
    close: () => clearInterval(timer),
  };
};
