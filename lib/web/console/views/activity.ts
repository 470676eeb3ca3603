import type { AuditRecord } from '../../../model/audit.js';
import { auditOutcome, auditTarget, hasFailed } from '../../../portable/audit-words.js';
import { errorText, pages } from '../api.js';
import { h } from '../dom.js';
import { textInput } from '../inputs.js';
import { plainTable } from '../plain-table.js';
import { address, currentQuery, replaceQuery, type View } from '../router.js';
import { store } from '../store.js';
import { agoAndTime } from '../times.js';
import { actionWords } from '../words.js';

const PAGE = 100;
/** Between the last key and the search. */
const TYPING_MS = 300;

const HOUR_MS = 3_600_000;
const PERIODS: readonly (readonly [key: string, words: string, ms: number])[] = [
  ['hour', 'Last hour', HOUR_MS],
  ['day', 'Last day', 24 * HOUR_MS],
  ['week', 'Last week', 7 * 24 * HOUR_MS],
  ['month', 'Last month', 31 * 24 * HOUR_MS],
];

type Entries = ReturnType<typeof pages<AuditRecord>>;

const KEYS = ['guest', 'by', 'action'] as const;

const link = (key: string, value: string, text = value): HTMLElement =>
  h('a', { class: 'in-text', href: `${address('activity')}?${new URLSearchParams({ [key]: value })}` }, text);

const targetCell = (record: AuditRecord): HTMLElement => {
  const { guest } = record;
  const words = auditTarget(record);
  if (guest !== undefined && store.guests.has(guest))
    return h('td', {}, h('a', { href: address('guests', guest) }, words));
  return h('td', { title: guest ?? '' }, words);
};

const whoCell = ({ principal, address: from, schedule }: AuditRecord): HTMLElement =>
  h(
    'td',
    { class: 'medium-only' },
    principal ? link('by', principal) : h('span', { class: 'faint' }, 'the agent itself'),
    ' ',
    h('small', {}, from ?? schedule),
  );

const row = (record: AuditRecord): HTMLElement =>
  h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      agoAndTime(record.time),
      ' ',
      h('small', { class: 'narrow-only' }, record.principal),
    ),
    whoCell(record),
    h(
      'td',
      { title: record.route ? `${record.method} ${record.route}` : '' },
      actionWords(record.action ?? ''),
    ),
    targetCell(record),
    h('td', { class: hasFailed(record) ? 'problem' : '' }, auditOutcome(record)),
  );

/** The audit log: who did what, newest first. The address of the page has the filter. */
export const activityView = (): View => {
  const query = currentQuery();
  const list = h('tbody');
  const note = h('p', { class: 'empty' }, 'Loading …');
  const older = h(
    'button',
    { class: 'older', hidden: true, onclick: () => entries && void showMore(entries) },
    'Show older',
  );
  let typing: ReturnType<typeof setTimeout> | undefined;
  /** Replaced when the filter changes. */
  let entries: Entries | undefined;

  const input = (key: (typeof KEYS)[number], placeholder: string): HTMLInputElement =>
    textInput({
      ...{
        type: 'search',
        class: 'short',
        placeholder,
        'aria-label': placeholder,
        value: query.get(key) ?? '',
      },
    });
  const inputs = {
    guest: input('guest', 'Guest'),
    by: input('by', 'Person'),
    action: input('action', 'Action'),
  };
  const period = h(
    'select',
    { 'aria-label': 'Time' },
    h('option', { value: '' }, 'Any time'),
    ...PERIODS.map(([key, words]) => h('option', { value: key }, words)),
  );
  period.value = query.get('since') ?? '';

  const say = (text: string): void => {
    note.textContent = text;
    note.hidden = text === '';
  };

  const filterOf = (): Record<string, string> => {
    const chosen = PERIODS.find(([key]) => key === period.value);
    return {
      ...Object.fromEntries(
        KEYS.flatMap((key) => {
          const value = inputs[key].value.trim();
          return value === '' ? [] : [[key, value]];
        }),
      ),
      ...(chosen ? { since: new Date(Date.now() - chosen[2]).toISOString() } : {}),
    };
  };

  /** Adds at least a page of entries, as long as there are any: the agent may send short pages. */
  const addPage = async (from: Entries): Promise<void> => {
    for (let added = 0; added < PAGE; ) {
      const page = await from.next();
      if (from !== entries) return;
      older.hidden = page.done === true;
      if (page.done) break;
      list.append(...page.value.map(row));
      added += page.value.length;
    }
    say(list.childElementCount === 0 ? 'No entries match the filter.' : '');
  };
  const showMore = async (from: Entries): Promise<void> => {
    older.disabled = true;
    try {
      await addPage(from);
    } catch (error) {
      if (from === entries) say(errorText(error));
    } finally {
      older.disabled = false;
    }
  };

  const load = (): void => {
    list.replaceChildren();
    older.hidden = true;
    say('Loading …');
    entries = pages<AuditRecord>('/audit', PAGE, filterOf());
    void showMore(entries);
  };
  const change = (): void => {
    clearTimeout(typing);
    const { since: _, ...filter } = filterOf();
    replaceQuery(new URLSearchParams({ ...filter, ...(period.value ? { since: period.value } : {}) }));
    load();
  };
  const filter = h(
    'div',
    {
      ...{ class: 'filter', role: 'search', onchange: change },
      oninput: () => {
        clearTimeout(typing);
        typing = setTimeout(change, TYPING_MS);
      },
    },
    ...Object.values(inputs),
    period,
  );
  load();
  return {
    title: 'Activity',
    element: h(
      'section',
      { class: 'page' },
      h(
        'div',
        { class: 'toolbar' },
        h('h1', {}, 'Activity'),
        filter,
        h('span', { class: 'grow' }),
        h('button', { onclick: load }, 'Refresh'),
      ),
      plainTable([['Time'], ['Who', 'medium-only'], ['What'], ['Target'], ['Outcome']], list, {
        label: 'Activity',
      }),
      note,
      older,
    ),
    key: ({ key }) => {
      if (key === '/') inputs.guest.focus();
      return key === '/';
    },
    close: () => clearTimeout(typing),
  };
};
