import { path } from '../../../client/path.js';
import type { AutostartPolicy, HostDownPolicy, RestartPolicy } from '../../../model/coming-back.js';
import type { Guest } from '../../../model/guest.js';
import { patch } from '../api.js';
import { field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { capital, count } from '../words.js';

const AUTOSTART_WORDS: Record<AutostartPolicy, string> = {
  never: 'stays off',
  last: 'starts if it was on before',
  always: 'starts',
};

const RESTART_WORDS: Record<RestartPolicy, string> = { never: 'stays off', 'on-failure': 'starts again' };

const HOST_DOWN_WORDS: Record<HostDownPolicy | '', string> = {
  '': 'as the host is told',
  shutdown: 'shuts down',
  save: 'is saved to disk',
};

/** @param value absent for a new guest, which may leave it to the agent's config */
const choice = <Value extends string>(
  words: Record<Value, string>,
  value: Value | undefined,
): HTMLSelectElement => {
  const select = h(
    'select',
    {},
    value === undefined && h('option', { value: '' }, 'As the config says'),
    ...Object.entries<string>(words).map(([each, text]) => h('option', { value: each }, capital(text))),
  );
  select.value = value ?? '';
  return select;
};

const numberInput = (value: number | undefined): HTMLInputElement =>
  h('input', { type: 'number', min: '0', value });

const numberOf = (input: HTMLInputElement): number | undefined =>
  input.value === '' ? undefined : Number(input.value);

/** Returns an object with one key, or without it when it has no value. */
const given = <Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [name in Key]?: Value } | Record<never, never> => (value === undefined ? {} : { [key]: value });

type Policies = Pick<Guest, 'autostart' | 'restart'>;

/**
 * The fields for whether a guest starts by itself, and what they say.
 * @param guest absent for a new one
 */
export const comingBackFields = (guest?: Policies) => {
  const { autostart, restart } = guest ?? {};
  const afterBoot = choice(AUTOSTART_WORDS, guest && (autostart?.policy ?? 'never'));
  const afterFailure = choice(RESTART_WORDS, restart?.policy ?? 'never');
  const order = numberInput(autostart?.order);
  const delay = numberInput(autostart?.delay);
  const hostDown = choice(HOST_DOWN_WORDS, autostart?.hostDown ?? '');
  return {
    elements: [
      h(
        'div',
        { class: 'two' },
        field('After a boot of the host', afterBoot),
        field('After a failure', afterFailure),
      ),
      h(
        'div',
        { class: 'two' },
        field('Start order', order, 'Lower numbers start first; guests without one start last'),
        field('Delay', delay, 'Seconds until guests of a later order start'),
      ),
      field('When the host goes down', hostDown, 'A saved guest goes on where it was at its next start'),
    ],
    read: (): Policies => ({
      ...(afterBoot.value === ''
        ? {}
        : {
            autostart: {
              policy: afterBoot.value as AutostartPolicy,
              ...given('order', numberOf(order)),
              ...given('delay', numberOf(delay)),
              ...given('shutdownTimeout', autostart?.shutdownTimeout),
              ...given('hostDown', (hostDown.value || undefined) as HostDownPolicy | undefined),
            },
          }),
      ...(guest || afterFailure.value !== 'never'
        ? { restart: { ...restart, policy: afterFailure.value as RestartPolicy } }
        : {}),
    }),
  };
};

const openDialog = (guest: Guest): void => {
  const { elements, read } = comingBackFields(guest);
  void formDialog({
    title: 'After a boot or a failure',
    action: 'Save',
    content: elements,
    submit: () => patch<Guest>(path`/guests/${guest.id}`, read()),
  });
};

const orderText = ({ autostart }: Guest): string => {
  const { order, delay, hostDown } = autostart ?? {};
  const before = hostDown === undefined ? '' : `; ${HOST_DOWN_WORDS[hostDown]} when the host goes down`;
  return `${order === undefined ? '' : `, order ${order}`}${delay === undefined ? '' : `, delay ${delay} s`}${before}`;
};

/** Says what a guest does after a boot of its host, with a button to change it. */
export const afterBootFact = (guest: Guest): Node => {
  const words = AUTOSTART_WORDS[guest.autostart?.policy ?? 'never'];
  const waits = guest.intent?.pending ? '; waits for its start' : '';
  return h(
    'span',
    { class: 'row' },
    `${words}${orderText(guest)}${waits}`,
    h('button', { class: 'small changes', onclick: () => openDialog(guest) }, 'Change'),
  );
};

/** Says what a guest does after a failure, and what it did. */
export const afterFailureFact = ({ restart, restarts }: Guest): string => {
  const words = RESTART_WORDS[restart?.policy ?? 'never'];
  if (!restarts) return words;
  const times = restarts.times.length;
  return [words, times > 0 && `started again ${count(times, 'time')}`, restarts.problem]
    .filter(Boolean)
    .join('; ');
};
