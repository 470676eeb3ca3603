import { path } from '../../../client/path.js';
import type { Guest } from '../../../model/guest.js';
import { ACTIONS, isEnabled } from '../actions.js';
import { submit } from '../api.js';
import { confirm } from '../dialogs.js';
import { h, setText } from '../dom.js';
import { store } from '../store.js';
import { count } from '../words.js';
import { askForSnapshot, askForTags } from './questions.js';
import { runOnAll } from './run.js';
import type { Selection } from './selection.js';
import { namesOf } from './summary.js';

/** Something to do with all guests that are selected. */
interface BulkAction {
  title: string;
  hint: string;
  isDangerous?: boolean;
  /** Whether a guest permits it in its state. */
  isPossible: (guest: Guest) => boolean;
  /** Asks what must be known first; resolves to how to submit it for one guest, or to nothing when the user cancels. */
  ask: (guests: readonly Guest[]) => Promise<((guest: Guest) => Promise<string>) | undefined>;
}

const powerAction = (button: (typeof ACTIONS)[number]): BulkAction => {
  const { action, title, hint, warning } = button;
  const send = async ({ id }: Guest): Promise<string> =>
    (await submit('POST', path`/guests/${id}/${action}`)).jobId;
  return {
    ...{ title, hint, isDangerous: action === 'delete' },
    isPossible: (guest) => isEnabled(button, guest),
    ask: async (guests) => {
      if (warning === undefined) return send;
      const many = count(guests.length, 'guest');
      const isConfirmed = await confirm(
        {
          title: `${title} ${many}?`,
          text: `${namesOf(guests.map(({ id }) => store.nameOf(id)))}. ${warning}`,
          ...{ action: title, isDangerous: true },
          ...(action === 'delete' ? { typed: [many] } : {}),
        },
        async () => {},
      );
      return isConfirmed ? send : undefined;
    },
  };
};

const isHealthyMachine = ({ type, state }: Guest): boolean => type !== 'container' && state !== 'error';

const BULK_ACTIONS: readonly BulkAction[] = [
  ...ACTIONS.filter(({ action }) => action !== 'delete').map(powerAction),
  {
    ...{ title: 'Snapshot', hint: 'Take a snapshot of each guest', isPossible: isHealthyMachine },
    ask: askForSnapshot,
  },
  {
    ...{ title: 'Back up', hint: 'Back up each guest', isPossible: isHealthyMachine },
    ask: async () => async (guest) => (await submit('POST', path`/guests/${guest.id}/backups`)).jobId,
  },
  {
    ...{ title: 'Tags', hint: 'Add and remove tags', isPossible: ({ state }) => state !== 'error' },
    ask: askForTags,
  },
  ...ACTIONS.filter(({ action }) => action === 'delete').map(powerAction),
];

/** Creates the bar of what to do with the selected guests; hidden while none is selected. */
export const bulkBar = (selection: Selection): { element: HTMLElement; update(): void } => {
  const selected = (): Guest[] =>
    selection.ids.flatMap((id) => {
      const guest = store.guests.get(id);
      return guest ? [guest] : [];
    });
  const start = async (action: BulkAction): Promise<void> => {
    const all = selected();
    const guests = all.filter(action.isPossible);
    const leftOut = all.filter((guest) => !guests.includes(guest));
    const send = await action.ask(guests);
    if (send) runOnAll({ title: action.title, guests, leftOut, submit: send });
  };
  const buttons = BULK_ACTIONS.map((action) => ({
    action,
    element: h(
      'button',
      {
        title: action.hint,
        class: action.isDangerous ? 'small danger-text' : 'small',
        onclick: () => void start(action),
      },
      action.title,
    ),
  }));
  const many = h('strong', { role: 'status' });
  const element = h(
    'div',
    { class: 'bulk changes', role: 'group', 'aria-label': 'Selected guests', hidden: true },
    many,
    ...buttons.map((button) => button.element),
    h('span', { class: 'grow' }),
    h('button', { class: 'quiet', onclick: () => selection.clear() }, 'Select none'),
  );
  return {
    element,
    update: () => {
      element.hidden = selection.size === 0;
      if (element.hidden) return;
      const guests = selected();
      setText(many, `${guests.length.toLocaleString('en')} selected`);
      for (const button of buttons) button.element.disabled = !guests.some(button.action.isPossible);
    },
  };
};
