import { path } from '../../client/path.js';
import {
  KEEP_RULES,
  type Keep,
  type KeepRule,
  type MissedPolicy,
  type Schedule,
  type ScheduleAction,
  type ScheduleGuests,
} from '../../model/schedule.js';
import { sendRequest } from './api.js';
import { field, formDialog } from './dialogs.js';
import { h } from './dom.js';
import { listOf, markInvalid, textInput } from './inputs.js';
import { ACTION_WORDS } from './schedule-words.js';
import { store } from './store.js';
import { capital } from './words.js';

const MISSED_WORDS: Record<MissedPolicy, string> = {
  run: 'One run makes up for them',
  skip: 'Nothing makes up for them',
};

type Choice = 'all' | 'tags' | 'ids';

const CHOICES: Record<Choice, string> = { all: 'All', tags: 'With one of these tags', ids: 'Only these' };

const select = <Value extends string>(words: Record<Value, string>, value: Value): HTMLSelectElement => {
  const element = h(
    'select',
    {},
    ...Object.entries<string>(words).map(([each, text]) => h('option', { value: each }, text)),
  );
  element.value = value;
  return element;
};

/** @throws {Error} when no guest has the name */
const idOf = (name: string): string => {
  const found = [...store.guests.values()].find(({ id, metadata }) => id === name || metadata?.name === name);
  if (!found) throw new Error(`No guest has the name “${name}”.`);
  return found.id;
};

/** The fields for the guests of a schedule, and what they say: all keys, so that it replaces what was there. */
const guestsFields = ({ ids = [], tags = [], all }: ScheduleGuests) => {
  const choice = select(CHOICES, all ? 'all' : ids.length > 0 ? 'ids' : tags.length > 0 ? 'tags' : 'all');
  const which = textInput({ value: [...tags, ...ids.map((id) => store.nameOf(id))].join(', ') });
  const row = field('Which', which, 'Tags, or names of guests, separated by commas');
  const show = (): void => {
    row.hidden = choice.value === 'all';
  };
  choice.addEventListener('change', show);
  show();
  return {
    elements: [field('Guests', choice), row],
    read: () => ({
      all: choice.value === 'all' ? true : null,
      tags: choice.value === 'tags' ? listOf(which.value) : null,
      ids: choice.value === 'ids' ? listOf(which.value).map(idOf) : null,
    }),
  };
};

/** The fields for what is kept; an empty one is no rule. */
const keepFields = (keep: Keep) => {
  const inputs = KEEP_RULES.map((rule): [KeepRule, HTMLInputElement] => [
    rule,
    h('input', { type: 'number', min: '1', value: keep[rule] }),
  ]);
  return {
    element: h('div', { class: 'keep' }, ...inputs.map(([rule, input]) => field(capital(rule), input))),
    read: (): { [Rule in KeepRule]?: number | null } =>
      Object.fromEntries(inputs.map(([rule, { value }]) => [rule, value === '' ? null : Number(value)])),
  };
};

/** Removes the keys that stand for a default: a new schedule has no need for them. */
const withoutNulls = (keys: object): object =>
  Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== null));

/** Asks for a new schedule, or changes one. */
export const scheduleDialog = (schedule?: Schedule): Promise<boolean> => {
  const name = textInput({ required: true, value: schedule?.name ?? '', autofocus: true });
  const action = select(ACTION_WORDS, schedule?.action ?? 'snapshot');
  action.disabled = schedule !== undefined;
  const cron = textInput({ required: true, value: schedule?.cron ?? '@daily', placeholder: '30 2 * * *' });
  const timezone = textInput({ value: schedule?.timezone ?? '', placeholder: 'Europe/Berlin' });
  const guests = guestsFields(schedule?.guests ?? { all: true });
  const keep = keepFields(schedule?.keep ?? {});
  const missed = select(MISSED_WORDS, schedule?.missed ?? 'run');
  const enabled = h('input', { type: 'checkbox', checked: schedule?.enabled ?? true });
  const keepRow = h(
    'div',
    { class: 'group', role: 'group', 'aria-label': 'Keep' },
    h('span', {}, 'Keep'),
    keep.element,
    h(
      'small',
      {},
      'How many of the newest; one per hour, day, … Empty fields count nothing; all empty keeps everything.',
    ),
  );
  const makes = (): boolean => action.value !== 'verify';
  action.addEventListener('change', () => {
    keepRow.hidden = !makes();
  });
  keepRow.hidden = !makes();
  const body = () => ({
    name: name.value.trim(),
    cron: cron.value.trim(),
    timezone: timezone.value.trim() || null,
    missed: missed.value,
    enabled: enabled.checked,
    guests: guests.read(),
    keep: makes() ? keep.read() : null,
  });
  const create = (): Promise<unknown> => {
    const { guests: which, keep: rules, ...rest } = body();
    const kept = withoutNulls(rules ?? {});
    return sendRequest('POST', '/schedules', {
      body: {
        ...withoutNulls(rest),
        action: action.value as ScheduleAction,
        guests: withoutNulls(which),
        ...(Object.keys(kept).length > 0 ? { keep: kept } : {}),
      },
    });
  };
  return formDialog({
    title: schedule ? `Change ${schedule.name}` : 'New schedule',
    action: schedule ? 'Save' : 'Create',
    content: [
      h('div', { class: 'two' }, field('Name', name), field('Action', action)),
      h(
        'div',
        { class: 'two' },
        field('When', cron, 'Minute, hour, day of month, month, weekday; or @hourly, @daily, @weekly'),
        field('Time zone', timezone, 'Empty for that of the host'),
      ),
      ...guests.elements,
      keepRow,
      field('Missed while the agent was down', missed),
      h('label', { class: 'check' }, enabled, 'Runs by itself'),
    ],
    isComplete: () => name.value.trim() !== '' && cron.value.trim() !== '',
    submit: () =>
      schedule ? sendRequest('PATCH', path`/schedules/${schedule.id}`, { body: body() }) : create(),
    onError: (message) =>
      markInvalid(
        message,
        new Map([
          ['name', name],
          ['cron', cron],
          ['timezone', timezone],
        ]),
      ),
  });
};
