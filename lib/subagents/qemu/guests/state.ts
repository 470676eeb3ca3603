/** A guest's state as the contract names it. */
export type State = 'running' | 'paused' | 'suspended' | 'shutdown' | 'shutoff' | 'crashed' | 'unknown';

/** Translates QEMU's `RunState` (qapi/run-state.json). */
const STATES: ReadonlyMap<string, State> = new Map<string, State>([
  ['running', 'running'],
  // A snapshot halts the guest only briefly.
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

/** QMP events after which the run state may have changed. */
export const RUN_STATE_EVENTS: ReadonlySet<string> = new Set([
  'STOP',
  'RESUME',
  'RESET',
  'SUSPEND',
  'SUSPEND_DISK',
  'WAKEUP',
]);
