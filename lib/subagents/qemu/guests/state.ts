/** A guest's state as the contract names it; the last three are QEMU's own names. */
export type State =
  | 'running'
  | 'paused'
  | 'suspended'
  | 'shutdown'
  | 'shutoff'
  | 'crashed'
  | 'unknown'
  | 'inmigrate'
  | 'finish-migrate'
  | 'postmigrate';

/** The states in which a guest has no QEMU. */
export const OFF_STATES: ReadonlySet<string> = new Set<State>(['shutoff', 'crashed']);

/** Translates QEMU's `RunState` (qapi/run-state.json). */
const STATES: ReadonlyMap<string, State> = new Map<string, State>([
  ['running', 'running'],
  // A snapshot halts the guest only briefly.
  ['save-vm', 'running'],
  ['restore-vm', 'running'],
  ['debug', 'paused'],
  ['finish-migrate', 'finish-migrate'],
  ['inmigrate', 'inmigrate'],
  ['io-error', 'paused'],
  ['paused', 'paused'],
  ['postmigrate', 'postmigrate'],
  ['prelaunch', 'paused'],
  ['colo', 'paused'],
  ['watchdog', 'paused'],
  ['suspended', 'suspended'],
  ['shutdown', 'shutdown'],
  ['guest-panicked', 'crashed'],
  ['internal-error', 'crashed'],
]);

/** The run states of a guest that a snapshot with memory halts. */
const COPIED: ReadonlySet<string> = new Set(['finish-migrate', 'postmigrate', 'paused']);

/** @param isBeingCopied whether a snapshot with memory, or a backup, is being taken: it halts the guest only briefly */
export const stateOf = (runState: string, isBeingCopied = false): State =>
  isBeingCopied && COPIED.has(runState) ? 'running' : (STATES.get(runState) ?? 'unknown');

/** Run states that say why QEMU halted the guest. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['io-error', 'io-error'],
  ['watchdog', 'watchdog'],
  ['guest-panicked', 'panicked'],
  ['internal-error', 'internal-error'],
]);

/** Why a guest is in its state, as far as its run state tells. */
export const reasonOf = (runState: string): string | undefined => REASONS.get(runState);

/** Advice for a guest in a migration. Letting it run here could run it on two hosts, on the same disks. */
const MIGRATION_ADVICE: ReadonlyMap<string, string> = new Map([
  ['inmigrate', 'it waits for its memory from another host: let that migration end, or power it off'],
  ['finish-migrate', 'its migration to another host is ending: wait for that'],
  ['postmigrate', 'it was migrated and may run on another host: power it off here'],
]);

/** Why a guest in this state must not be let run; `undefined` when it may. */
export const migrationAdvice = (state: string): string | undefined => MIGRATION_ADVICE.get(state);

/** Advice for a guest that cannot react to a request to shut down. */
const DEAF_ADVICE: ReadonlyMap<string, string> = new Map([
  ['paused', 'it cannot shut itself down: resume it first, or force it (force=true, --force)'],
  [
    'suspended',
    'it sleeps (ACPI S3) and notices no request: wake it with resume first, or force it (force=true, --force)',
  ],
  ['crashed', 'it cannot shut itself down: restart it, power it off, or force it (force=true, --force)'],
  ['unknown', 'its QEMU does not reply over QMP: use poweroff'],
]);

/** Why a guest in this state cannot shut itself down; `undefined` when it can. */
export const deafAdvice = (state: string): string | undefined =>
  DEAF_ADVICE.get(state) ?? migrationAdvice(state);

/** QMP events after which the run state may have changed. */
export const RUN_STATE_EVENTS: ReadonlySet<string> = new Set([
  'STOP',
  'RESUME',
  'RESET',
  'SUSPEND',
  'SUSPEND_DISK',
  'WAKEUP',
  'MIGRATION',
]);
