import type { GuestAction } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import { path, submit } from './api.js';
import { attempt, type Confirmation, confirm } from './dialogs.js';
import { follow } from './jobs.js';
import { store } from './store.js';

const OFF = ['shutoff', 'shutdown', 'crashed', 'stopped'];
const HALTED = ['paused', 'suspended'];

interface ActionButton {
  action: GuestAction;
  title: string;
  hint: string;
  /** What it is then. */
  done: string;
  /** The states in which it makes sense; in one that is none of the known ones, everything may. */
  states: readonly string[];
  isPrimary?: boolean;
  /** What will be lost. */
  warning?: string;
}

export const ACTIONS: readonly ActionButton[] = [
  { action: 'start', title: 'Start', hint: 'Boots it', done: 'is started', states: OFF, isPrimary: true },
  {
    action: 'resume',
    title: 'Resume',
    hint: 'Goes on where it was suspended',
    done: 'goes on',
    states: HALTED,
    isPrimary: true,
  },
  {
    action: 'shutdown',
    title: 'Shut down',
    hint: 'Asks its system to end',
    done: 'is shut down',
    states: ['running'],
  },
  {
    action: 'reboot',
    title: 'Reboot',
    hint: 'Asks its system to start anew',
    done: 'is rebooted',
    states: ['running'],
  },
  {
    action: 'suspend',
    title: 'Suspend',
    hint: 'Halts it where it is',
    done: 'is suspended',
    states: ['running'],
  },
  {
    action: 'restart',
    title: 'Restart',
    hint: 'Resets it, as the button on the case does',
    done: 'is restarted',
    states: ['running', ...HALTED, 'blocked', 'unknown'],
    warning: 'It is reset without being asked: what it has not written to its disks is lost.',
  },
  {
    action: 'poweroff',
    title: 'Power off',
    hint: 'Pulls the plug',
    done: 'is powered off',
    states: ['running', ...HALTED, 'blocked', 'unknown', 'create'],
    warning: 'The plug is pulled: what it has not written to its disks is lost.',
  },
  {
    action: 'delete',
    title: 'Delete …',
    hint: 'Deletes it with its disks and snapshots',
    done: 'is deleted',
    states: [],
    warning: 'Its disks and all of their snapshots are deleted with it. This cannot be undone.',
  },
];

export const isSensible = ({ action, states }: ActionButton, state: string): boolean => {
  const isKnown = ACTIONS.some((each) => each.states.includes(state));
  return action === 'delete' || !isKnown || states.includes(state);
};

const confirmation = (
  { action, title, warning = '' }: ActionButton,
  { id, metadata }: Guest,
): Confirmation => {
  const name = metadata?.name || id;
  const what = title.replace(' …', '');
  const typed = metadata?.name ? [metadata.name, id] : [id.slice(0, 8), id];
  return {
    title: `${what} ${name}?`,
    text: warning,
    action: what,
    isDangerous: true,
    ...(action === 'delete' ? { typed } : {}),
  };
};

/** Asks the agent for an action on a guest, after a warning where something would be lost. */
export const perform = async (button: ActionButton, guest: Guest): Promise<void> => {
  const ask = async (): Promise<void> => {
    const { jobId } = await submit('POST', path`/guests/${guest.id}/${button.action}`);
    const name = store.nameOf(guest.id);
    follow(jobId, { title: `${button.title.replace(' …', '')} ${name}`, done: `${name} ${button.done}.` });
  };
  if (button.warning === undefined) await attempt(ask);
  else await confirm(confirmation(button, guest), ask);
};
