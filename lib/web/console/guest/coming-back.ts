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

const RESTART_WORDS: Record<RestartPolicy, string> = {
  never: 'stays off',
  'on-failure': 'starts again',
  always: 'starts again, also after a container exits without an error',
};

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

const numberOf = (input: HTMLInputElement): number | null =>
  input.value === '' ? null : Number(input.value);

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
      field('When the host goes down', hostDown, 'Its next start resumes a saved guest where it was'),
    ],
    autostart: () => ({
      policy: afterBoot.value as AutostartPolicy | '',
      order: numberOf(order),
      delay: numberOf(delay),
      hostDown: (hostDown.value || null) as HostDownPolicy | null,
    }),
    restart: () => ({ policy: afterFailure.value as RestartPolicy }),
  };
};

/** Returns what the fields say of a new guest, without what they leave to the agent. */
export const newPolicies = ({
  autostart,
  restart,
}: Pick<ReturnType<typeof comingBackFields>, 'autostart' | 'restart'>): Policies => {
  const { policy, order, delay, hostDown } = autostart();
  return {
    ...(policy === ''
      ? {}
      : {
          autostart: {
            policy,
            ...(order === null ? {} : { order }),
            ...(delay === null ? {} : { delay }),
            ...(hostDown === null ? {} : { hostDown }),
          },
        }),
    ...(restart().policy === 'never' ? {} : { restart: restart() }),
  };
};

const openDialog = (guest: Guest): void => {
  const { elements, autostart, restart } = comingBackFields(guest);
  void formDialog({
    title: 'After a boot or a failure',
    action: 'Save',
    content: elements,
    submit: () => patch<Guest>(path`/guests/${guest.id}`, { autostart: autostart(), restart: restart() }),
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
    // A guest that could not be created can only be deleted.
    guest.state !== 'error' &&
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
