import { path } from '../../client/path.js';
import type { GuestAction } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import { isSaved } from '../../model/intent.js';
import { submit } from './api.js';
import { attempt, type Confirmation, confirm } from './dialogs.js';
import { follow } from './jobs.js';
import { store } from './store.js';

const OFF = ['shutoff', 'shutdown', 'crashed', 'stopped'];
const HALTED = ['paused', 'suspended'];
/** In a migration; only the power can be cut. */
const MIGRATING = ['inmigrate', 'finish-migrate', 'postmigrate'];

interface ActionButton {
  action: GuestAction;
  /** Its words on the button and in titles. */
  title: string;
  hint: string;
  /** Completes "web-1 …" once the job is done. */
  done: string;
  /** The guest states that enable the button. In a state that no button lists, all of them are enabled. */
  states: readonly string[];
  isPrimary?: boolean;
  /** Names the possible loss when the user must confirm the action. */
  warning?: string;
}

export const ACTIONS: readonly ActionButton[] = [
  { action: 'start', title: 'Start', hint: 'Boot the guest', done: 'started', states: OFF, isPrimary: true },
  {
    action: 'resume',
    title: 'Resume',
    hint: 'Continue where the guest was suspended',
    done: 'resumed',
    states: HALTED,
    isPrimary: true,
  },
  {
    action: 'shutdown',
    title: 'Shut down',
    hint: 'Ask the operating system to shut down',
    done: 'shut down',
    states: ['running'],
  },
  {
    action: 'reboot',
    title: 'Reboot',
    hint: 'Ask the operating system to reboot',
    done: 'rebooted',
    states: ['running'],
  },
  {
    action: 'suspend',
    title: 'Suspend',
    hint: 'Pause the guest',
    done: 'suspended',
    states: ['running'],
  },
  {
    action: 'save',
    title: 'Save to disk',
    hint: 'Save the memory to disk and turn the guest off; its next start resumes it',
    done: 'saved to disk',
    states: ['running', 'paused'],
  },
  {
    action: 'restart',
    title: 'Restart',
    hint: 'Reset the guest, like a reset button',
    done: 'restarted',
    states: ['running', ...HALTED, 'blocked', 'unknown'],
    warning: 'The guest is reset without warning. Data that it has not written to disk is lost.',
  },
  {
    action: 'poweroff',
    title: 'Power off',
    hint: 'Cut the power',
    done: 'powered off',
    states: ['running', ...HALTED, ...MIGRATING, 'blocked', 'unknown', 'create'],
    warning: 'The guest loses power without warning. Data that it has not written to disk is lost.',
  },
  {
    action: 'delete',
    title: 'Delete',
    hint: 'Delete the guest with its disks and snapshots',
    done: 'deleted',
    states: [],
    warning: 'The guest is deleted with its disks and all their snapshots. This cannot be undone.',
  },
];

export const isEnabled = (
  { action, states }: ActionButton,
  guest: Pick<Guest, 'state' | 'reason' | 'template'>,
): boolean => {
  const { state = '' } = guest;
  // A guest whose creation failed can only be deleted, and a template does not start.
  if (state === 'error' || guest.template) return action === 'delete';
  const isKnown = ACTIONS.some((each) => each.states.includes(state));
  // It discards the memory of a guest that is saved.
  if (action === 'poweroff' && isSaved(guest)) return true;
  return action === 'delete' || !isKnown || states.includes(state);
};

const confirmation = (
  { action, title, warning = '' }: ActionButton,
  { id, metadata }: Guest,
): Confirmation => {
  const name = metadata?.name || id;
  const typed = metadata?.name ? [metadata.name, id] : [id.slice(0, 8), id];
  return {
    title: `${title} ${name}?`,
    text: warning,
    action: title,
    isDangerous: true,
    ...(action === 'delete' ? { typed } : {}),
  };
};

/** Submits an action on a guest, after a confirmation where data may be lost. */
export const perform = async (button: ActionButton, guest: Guest): Promise<void> => {
  const { action, title, done, warning } = button;
  const submitAction = async (): Promise<void> => {
    const { jobId } = await submit('POST', path`/guests/${guest.id}/${action}`);
    const name = store.nameOf(guest.id);
    follow(jobId, { title: `${title} ${name}`, done: `${name} ${done}.` });
  };
  if (warning === undefined) await attempt(submitAction);
  else await confirm(confirmation(button, guest), submitAction);
};
