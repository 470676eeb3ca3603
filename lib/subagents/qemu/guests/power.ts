import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { GuestState } from '../../../rpc/protocol/messages.js';
import { type Entry, type Guests, refuse } from './guests.js';
import { clearRun, killAndWait } from './launch.js';
import { END_WAIT_MS, type Watch } from './watch.js';

const QUIT_TIMEOUT_MS = 5000;
/** A button that is pressed before the guest listens for it is lost, so it is pressed again. */
const POWER_BUTTON_MS = 3000;

const OFF: ReadonlySet<string> = new Set(['shutoff', 'crashed']);

/** Ends a guest's QEMU and waits until nothing of it is left on the host; one that is off is no error. */
export const endProcess = async (entry: Entry): Promise<void> => {
  const { watch } = entry;
  if (!watch) return;
  watch.expectEnd();
  try {
    await watch.execute('quit', undefined, { timeoutMs: QUIT_TIMEOUT_MS });
    if (await watch.goneWithin(END_WAIT_MS)) return;
  } catch {
    // It does not answer, or is gone already: either way the next step settles it.
  }
  await killAndWait(entry.paths);
  if (!(await watch.goneWithin(END_WAIT_MS))) {
    throw new Error(`guest ${entry.id}: its QEMU is gone but what it had on the host could not be removed`);
  }
};

const resetNow = async (guests: Guests, entry: Entry, watch: Watch): Promise<void> => {
  await watch.execute('system_reset');
  // The reset of a halted guest leaves it halted, at its first instruction.
  await watch.execute('cont');
  await guests.setRebooting(entry, false);
  await guests.state(entry);
};

/** Presses the reset button: QMP `system_reset`. */
export const restart = (guests: Guests, id: string): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    if (!watch) throw refuse(entry, guests.lastState(entry).state, 'start it instead');
    entry.orders += 1;
    await resetNow(guests, entry, watch);
    return entry;
  });

interface Pressing {
  timeoutMs: number;
  signal?: AbortSignal;
  /** Whether to go on with it. */
  isMeant?: () => boolean;
}

/** Presses the power button until the guest is off; answers whether that came in time. */
const pressPowerButton = async (
  watch: Watch,
  { timeoutMs, signal, isMeant = () => true }: Pressing,
): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = deadline - Date.now();
    if (left <= 0 || !isMeant()) return false;
    // A QEMU that is ending no longer takes commands.
    await watch.execute('system_powerdown').catch(() => undefined);
    if (await watch.goneWithin(Math.min(left, POWER_BUTTON_MS), signal)) return true;
  }
};

const assertListens = (entry: Entry, { state }: GuestState): void => {
  if (state === 'paused') {
    throw refuse(entry, state, 'it cannot shut itself down: start it first, or use poweroff');
  }
  if (state === 'unknown') throw refuse(entry, state, 'its QEMU does not answer over QMP: use poweroff');
};

/**
 * Asks a guest over ACPI to shut itself down and waits until it is off. A poweroff or a delete does not
 * wait behind this: it ends it.
 */
export const shutdown = async (
  guests: Guests,
  id: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Entry> => {
  const entry = guests.get(id);
  entry.orders += 1;
  await guests.exclusively(id, () => guests.setRebooting(guests.get(id), false));
  const state = await guests.state(entry);
  const { watch } = entry;
  if (!watch) return entry;
  assertListens(entry, state);
  if (!(await pressPowerButton(watch, { timeoutMs, signal }))) {
    throw new Error(
      `guest ${id} did not shut itself down within ${timeoutMs / 1000} s (it may not listen to ACPI): use poweroff`,
    );
  }
  return entry;
};

/** The QEMU that is to end first, `undefined` when that was done already. */
const beginReboot = (guests: Guests, id: string): Promise<Watch | undefined> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    const { state } = guests.lastState(entry);
    if (!watch && !entry.record.rebooting) throw refuse(entry, state, 'start it instead');
    if (state === 'unknown') throw refuse(entry, state, 'its QEMU does not answer over QMP: power it off');
    if (state === 'running') await guests.setRebooting(entry, true);
    return watch;
  });

/**
 * Reboots a guest in an orderly way: ACPI shutdown, then a start; a reset when it does not shut itself
 * down in time. Nobody need wait for it: once the button is pressed the guest may end, and must then be started.
 */
export const reboot = async (guests: Guests, id: string, timeoutMs: number): Promise<Entry> => {
  const entry = guests.get(id);
  const { orders } = entry;
  const watch = await beginReboot(guests, id);
  const listens = guests.lastState(entry).state === 'running';
  const isMeant = (): boolean => guests.find(id) === entry && entry.orders === orders;
  const off = !watch || (listens && (await pressPowerButton(watch, { timeoutMs, isMeant })));
  return guests.exclusively(id, async () => {
    if (!isMeant()) {
      throw new Error(`the reboot of guest ${id} ended early: it was told otherwise meanwhile`);
    }
    const still = await guests.running(entry);
    if (!still) await guests.start(entry);
    else if (!off) await resetNow(guests, entry, still);
    return entry;
  });
};

/** Does what is left of the reboots that the end of the last sub-agent cut off. */
export const finishReboots = (guests: Guests, timeoutMs: number, log: Logger): void => {
  for (const { id, record } of guests.all()) {
    if (!record.rebooting) continue;
    reboot(guests, id, timeoutMs).catch((error) => log.error({ err: error, guest: id }, errorMessage(error)));
  }
};

/** Cuts a guest's power: QMP `quit`, and SIGKILL when that goes unheard. */
export const poweroff = async (guests: Guests, id: string): Promise<Entry> => {
  guests.get(id).orders += 1;
  return guests.exclusively(id, async () => {
    const entry = guests.get(id);
    await endProcess(entry);
    // Of one whose crash could not be saved it is still there, and would tell the next sub-agent of a crash.
    if (!entry.watch) await clearRun(guests.host, id, entry.paths);
    await guests.setRebooting(entry, false);
    if (OFF.has(guests.lastState(entry).state)) {
      await guests.setCrashed(entry, false);
      guests.states.set(id, 'shutoff');
    }
    return entry;
  });
};
