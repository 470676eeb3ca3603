import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { GuestState } from '../../../rpc/protocol/messages.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { killAndWait, removeRunResources } from './launch.js';
import { EXIT_WAIT_MS, type Watch } from './watch.js';

const QUIT_TIMEOUT_MS = 5000;
/** A guest misses a press that comes before it listens, so the button is pressed again at this interval. */
const POWER_BUTTON_MS = 3000;

const OFF: ReadonlySet<string> = new Set(['shutoff', 'crashed']);

/**
 * Ends a guest's QEMU by QMP `quit`, or by SIGKILL when that fails, and waits until its taps and run directory are
 * removed. A guest that is off is no error.
 */
export const stopQemu = async (entry: Entry): Promise<void> => {
  const { watch } = entry;
  if (!watch) return;
  watch.expectExit();
  try {
    await watch.execute('quit', undefined, { timeoutMs: QUIT_TIMEOUT_MS });
    if (await watch.exitedWithin(EXIT_WAIT_MS)) return;
  } catch {
    // It does not reply or has exited already; SIGKILL is right for both.
  }
  await killAndWait(entry.paths);
  if (!(await watch.exitedWithin(EXIT_WAIT_MS))) {
    throw new Error(
      `guest ${entry.id}: its QEMU has exited, but its taps or its run directory could not be removed: see the log`,
    );
  }
};

const reset = async (guests: Guests, entry: Entry, watch: Watch): Promise<void> => {
  await watch.execute('system_reset');
  // A halted guest stays halted after a reset.
  await watch.execute('cont');
  await entry.setRebooting(false);
  await guests.state(entry);
};

/** Resets a guest: QMP `system_reset`. */
export const restart = (guests: Guests, id: string): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    if (!watch) throw entry.stateError(guests.lastState(entry).state, 'start it instead');
    entry.commandCount += 1;
    await reset(guests, entry, watch);
    return entry;
  });

interface PowerButtonOptions {
  timeoutMs: number;
  signal?: AbortSignal;
  /** Whether to keep pressing. */
  isWanted?: () => boolean;
}

/** Presses the ACPI power button (QMP `system_powerdown`) until the guest is off; resolves to `false` if it stays on. */
const pressPowerButton = async (
  watch: Watch,
  { timeoutMs, signal, isWanted = () => true }: PowerButtonOptions,
): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = deadline - Date.now();
    if (left <= 0 || !isWanted()) return false;
    // A QEMU that is exiting accepts no more commands.
    await watch.execute('system_powerdown').catch(() => undefined);
    if (await watch.exitedWithin(Math.min(left, POWER_BUTTON_MS), signal)) return true;
  }
};

const assertCanShutDown = (entry: Entry, { state }: GuestState): void => {
  if (state === 'paused') {
    throw entry.stateError(state, 'it cannot shut itself down: start it first, or use poweroff');
  }
  if (state === 'unknown') throw entry.stateError(state, 'its QEMU does not reply over QMP: use poweroff');
};

/**
 * Asks a guest over ACPI to shut itself down and waits until it is off. Does not hold the guest's lock, so that a
 * poweroff or a delete can end it at once.
 * @throws when the guest is still on after `timeoutMs`; it keeps running
 */
export const shutdown = async (
  guests: Guests,
  id: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Entry> => {
  const entry = guests.get(id);
  entry.commandCount += 1;
  await guests.exclusively(id, () => guests.get(id).setRebooting(false));
  const state = await guests.state(entry);
  const { watch } = entry;
  if (!watch) return entry;
  assertCanShutDown(entry, state);
  if (!(await pressPowerButton(watch, { timeoutMs, signal }))) {
    throw new Error(
      `guest ${id} did not shut itself down within ${timeoutMs / 1000} s (it may ignore ACPI): use poweroff`,
    );
  }
  return entry;
};

/** Records the reboot and returns the QEMU that must exit first; `undefined` when it has done so already. */
const beginReboot = (guests: Guests, id: string): Promise<Watch | undefined> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    const { state } = guests.lastState(entry);
    if (!watch && !entry.record.rebooting) throw entry.stateError(state, 'start it instead');
    if (state === 'unknown')
      throw entry.stateError(state, 'its QEMU does not reply over QMP: power it off, then start it');
    if (state === 'running') await entry.setRebooting(true);
    return watch;
  });

/**
 * Shuts a guest down over ACPI and starts it again; resets it when it does not shut down in time. Runs to its end
 * even when the caller goes away: a guest that has seen the power button may shut down at any time, and must then be
 * started again.
 * @throws when a later command set the guest's power state
 */
export const reboot = async (guests: Guests, id: string, timeoutMs: number): Promise<Entry> => {
  const entry = guests.get(id);
  const { commandCount } = entry;
  const watch = await beginReboot(guests, id);
  const canShutDown = guests.lastState(entry).state === 'running';
  const isWanted = (): boolean => guests.find(id) === entry && entry.commandCount === commandCount;
  const off = !watch || (canShutDown && (await pressPowerButton(watch, { timeoutMs, isWanted })));
  return guests.exclusively(id, async () => {
    if (!isWanted()) throw new Error(`the reboot of guest ${id} was cancelled by a later command`);
    const stillRunning = await guests.running(entry);
    if (!stillRunning) await guests.start(entry);
    else if (!off) await reset(guests, entry, stillRunning);
    return entry;
  });
};

/** Resumes the reboots that were under way when the last sub-agent exited. */
export const resumeReboots = (guests: Guests, timeoutMs: number, log: Logger): void => {
  for (const { id, record } of guests.all()) {
    if (!record.rebooting) continue;
    reboot(guests, id, timeoutMs).catch((error) => log.error({ err: error, guest: id }, errorMessage(error)));
  }
};

/** Cuts a guest's power; see `stopQemu`. */
export const poweroff = async (guests: Guests, id: string): Promise<Entry> => {
  guests.get(id).commandCount += 1;
  return guests.exclusively(id, async () => {
    const entry = guests.get(id);
    await stopQemu(entry);
    // A crash that could not be saved left the run directory behind, which would tell the next sub-agent of it.
    if (!entry.watch) await removeRunResources(guests.host, entry.paths);
    await entry.setRebooting(false);
    if (OFF.has(guests.lastState(entry).state)) {
      await entry.setCrashed(false);
      guests.states.set(id, 'shutoff');
    }
    return entry;
  });
};
