import type { Creation, GuestTask } from './actions.js';
import type { Guest } from './guest.js';

/** The states of a guest that is on. */
const ON_STATES: ReadonlySet<string> = new Set(['running', 'paused', 'suspended']);
/** The states of a guest that is off, of virtual machines and of containers. */
const OFF_STATES: ReadonlySet<string> = new Set(['shutoff', 'stopped', 'crashed']);

/** Why a guest is off that was turned off on purpose, from inside too. */
const ON_PURPOSE: ReadonlySet<string> = new Set(['shutdown', 'poweroff', 'saved', 'exit code 0']);

/** Why a virtual machine is off that failed. A container that failed has the reason `exit code N`. */
const FAILURES: ReadonlySet<string> = new Set([
  'killed',
  'crashed',
  'killed or crashed',
  'panicked',
  'internal-error',
  'out of memory',
]);
const EXIT_CODE = 'exit code ';

/** The reasons of a guest that failed and still has its QEMU, which a reset lets run again. */
const HALTED: ReadonlySet<string> = new Set(['panicked', 'internal-error']);

type Action = Creation | GuestTask;

/** The actions by which a client decides whether a guest runs. */
const POWER_ACTIONS: ReadonlySet<Action> = new Set<Action>([
  'start',
  'shutdown',
  'poweroff',
  'reboot',
  'restart',
  'suspend',
  'resume',
  'delete',
]);
const ON_ACTIONS: ReadonlySet<Action> = new Set<Action>(['create', 'start', 'reboot', 'restart', 'resume']);
const OFF_ACTIONS: ReadonlySet<Action> = new Set<Action>(['shutdown', 'poweroff', 'save', 'delete']);

type Power = Pick<Guest, 'state' | 'reason'>;

/** Returns a guest's reason without the notes that sub-agents append to it after a semicolon. */
const causeOf = ({ reason = '' }: Power): string => reason.split('; ', 1)[0] ?? '';

export const isOn = ({ state = '' }: Power): boolean => ON_STATES.has(state);

export const isOff = ({ state = '' }: Power): boolean => OFF_STATES.has(state);

/** Whether a guest is to run whatever its program does, until a client turns it off. */
export const alwaysRuns = ({ restart }: Pick<Guest, 'restart'>): boolean => restart?.policy === 'always';

const isOffOnPurpose = (guest: Guest): boolean =>
  isOff(guest) && !alwaysRuns(guest) && guest.state !== 'crashed' && ON_PURPOSE.has(causeOf(guest));

/** Whether a guest crashed, was killed, or exited with an error. */
export const hasFailed = (guest: Power): boolean => {
  if (!isOff(guest)) return false;
  const cause = causeOf(guest);
  return (
    guest.state === 'crashed' ||
    FAILURES.has(cause) ||
    (cause.startsWith(EXIT_CODE) && !ON_PURPOSE.has(cause))
  );
};

/** Whether a guest is off with its memory saved. */
export const isSaved = (guest: Power): boolean => isOff(guest) && causeOf(guest) === 'saved';

/** Whether a failed guest still has its QEMU, and needs a reset rather than a start. */
export const isHalted = (guest: Power): boolean => guest.state === 'crashed' && HALTED.has(causeOf(guest));

/** Whether a guest may start by itself, so that the agent must remember what it is meant to be. */
const comesBack = ({ autostart, restart, template = false }: Guest): boolean =>
  !template &&
  ((autostart !== undefined && autostart.policy !== 'never') ||
    (restart !== undefined && restart.policy !== 'never'));

/** Returns a guest that is on: it waits for no start, and only the restarts since a client's start count. */
const back = (guest: Guest): Guest => {
  const { intent, restarts, ...rest } = guest;
  const times = intent?.pending ? [] : (restarts?.times ?? []);
  const isBack = intent?.power === 'on' && !intent.held && !intent.pending;
  if (isBack && (!restarts || (times.length > 0 && Object.keys(restarts).length === 1))) return guest;
  return { ...rest, intent: { power: 'on' }, ...(times.length > 0 ? { restarts: { times } } : {}) };
};

/**
 * Brings what the agent remembers of a guest up to date with its state. A crash, a kill or the loss of its sub-agent does
 * not change what the guest is meant to be; a shutdown from inside does.
 * @param goesDown whether the host goes down, so that a shutdown is the host's
 */
export const withIntent = (guest: Guest, goesDown: boolean): Guest => {
  if (!comesBack(guest)) {
    if (!guest.intent && !guest.restarts) return guest;
    const { intent: _intent, restarts: _restarts, ...rest } = guest;
    return rest;
  }
  const { intent } = guest;
  if (isOn(guest)) return back(guest);
  if (!intent) return { ...guest, intent: { power: 'off' } };
  if (intent.power === 'off' || intent.held || !isOffOnPurpose(guest)) return guest;
  return { ...guest, intent: goesDown ? { ...intent, held: true } : { ...intent, power: 'off' } };
};

/** Lets a guest that is off wait for a start if its policy for a boot of the host says so. */
export const pendingByPolicy = ({ restarts: _restarts, ...guest }: Guest): Guest => {
  const { autostart, intent } = guest;
  if (!intent) return guest;
  const pending = autostart?.policy === 'always' || (autostart?.policy === 'last' && intent.power === 'on');
  return { ...guest, intent: pending ? { ...intent, pending } : { power: 'off' } };
};

/**
 * Returns a guest after a boot of its host: nothing is known of it until its sub-agent reports it, and its policy says
 * whether it waits for a start.
 */
export const afterBoot = (guest: Guest): Guest => {
  if (!guest.intent || guest.state === 'create' || guest.state === 'error') return guest;
  const { vnc: _vnc, reason: _reason, ...rest } = guest;
  return { ...pendingByPolicy(rest), state: 'unknown' };
};

/** Whether a client that requests this action decides whether the guest runs. */
export const isPowerAction = (action: Action): boolean => POWER_ACTIONS.has(action);

/** Whether an action leaves a guest off, as its client wants it. */
export const isOffAction = (action: Action): boolean => OFF_ACTIONS.has(action);

/** Records that a client has decided whether the guest runs: the agent no longer tries to start it. */
export const takenOver = (guest: Guest, action: Action): Guest => {
  const { intent, restarts: _restarts, ...rest } = guest;
  if (!intent) return guest;
  const isDown = isOffAction(action) && !isOn(guest);
  return { ...rest, intent: { power: isDown ? 'off' : intent.power } };
};

/** Records that a guest is off because a client wanted it off. */
export const turnedOff = (guest: Guest): Guest =>
  guest.intent && !isOn(guest) ? { ...guest, intent: { power: 'off' } } : guest;

/** Whether an action leaves a guest on, as its client wants it. */
export const isOnAction = (action: Action): boolean => ON_ACTIONS.has(action);

/** Records that a client wanted a guest on whose program has ended so soon that the guest was never seen on. */
export const turnedOn = (guest: Guest): Guest =>
  guest.intent?.power === 'off' && guest.program && isOff(guest) && !isOffOnPurpose(guest)
    ? { ...guest, intent: { power: 'on' } }
    : guest;
