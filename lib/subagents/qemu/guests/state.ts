/** A guest's state as the contract names it. */
export type State = 'running' | 'paused' | 'suspended' | 'shutdown' | 'shutoff' | 'crashed' | 'unknown';

/** QEMU's `RunState` (qapi/run-state.json) in the contract's words. */
const STATES: ReadonlyMap<string, State> = new Map<string, State>([
  ['running', 'running'],
  // Halted for the length of a snapshot: it goes on by itself.
  ['save-vm', 'running'],
  ['restore-vm', 'running'],
  ['debug', 'paused'],
  ['finish-migrate', 'paused'],
  ['inmigrate', 'paused'],
  ['io-error', 'paused'],
  ['paused', 'paused'],
  ['postmigrate', 'paused'],
  ['prelaunch', 'paused'],
  ['colo', 'paused'],
  ['watchdog', 'paused'],
  ['suspended', 'suspended'],
  ['shutdown', 'shutdown'],
  ['guest-panicked', 'crashed'],
  ['internal-error', 'crashed'],
]);

export const stateOf = (runState: string): State => STATES.get(runState) ?? 'unknown';

/** Events after which the run state may be another. */
export const RUN_STATE_EVENTS: ReadonlySet<string> = new Set([
  'STOP',
  'RESUME',
  'RESET',
  'SUSPEND',
  'SUSPEND_DISK',
  'WAKEUP',
]);
