import { Refusal } from '../../../rpc/protocol/refusal.js';
import { discardMemory } from '../saved-memory/discard.js';
import { LOST_TPM } from '../tpm/lost.js';
import { askToShutDown } from './ask.js';
import { afterReset, bootOnceAfterReset, requireBootDevice } from './boot-order.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { noteKeptSeed } from './kept-seed.js';
import { killAndWait, removeRunResources } from './launch.js';
import { isButtonLost } from './power-button.js';
import { inSeconds, type PowerOptions, SHUTDOWN_TIMEOUT_MS } from './power-options.js';
import { shownReason } from './shown-reason.js';
import { deafAdvice, migrationAdvice, OFF_STATES } from './state.js';
import { EXIT_WAIT_MS, type Watch } from './watch.js';

const QUIT_TIMEOUT_MS = 5000;

/** @throws when a migration forbids letting the guest run here */
export const assertNotMigrating = (entry: Entry, state: string): void => {
  const advice = migrationAdvice(state);
  if (advice !== undefined) throw entry.stateError(state, advice);
};

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

/** @param boot a disk or CD drive to boot from this once */
export const reset = async (guests: Guests, entry: Entry, watch: Watch, boot?: string): Promise<void> => {
  if (entry.hasLostTpm) throw new Refusal('conflict', `guest ${entry.id}: ${LOST_TPM}`);
  const { resetCount } = watch;
  if (boot !== undefined) await bootOnceAfterReset(entry, watch, boot);
  await watch.execute('system_reset');
  // A halted guest stays halted after a reset.
  await watch.execute('cont');
  await afterReset(entry, watch, resetCount);
  await entry.setRebooting(undefined);
  await entry.setToldToShutDown(undefined);
  await guests.state(entry);
};

/**
 * Waits for a guest that is still shutting down, without the guest's lock.
 * @returns the refusal for a guest that is not off in time
 */
export const waitForShutdown = async (
  guests: Guests,
  id: string,
  { timeoutMs = SHUTDOWN_TIMEOUT_MS }: PowerOptions,
): Promise<Error | undefined> => {
  const entry = guests.get(id);
  const { state } = await guests.state(entry);
  const { watch } = entry;
  if (!watch || state !== 'running' || !entry.mayBeShuttingDown) return undefined;
  if (await watch.exitedWithin(timeoutMs)) return undefined;
  return new Refusal(
    'conflict',
    `guest ${id} was told to shut down and is still on after ${inSeconds(timeoutMs)}: allow more time (timeout=SECONDS, --within SECONDS), or reset it (force=true, --force)`,
  );
};

/** Resets a guest: QMP `system_reset`. Starts one that was still shutting down once it is off. */
export const restart = async (guests: Guests, id: string, options: PowerOptions = {}): Promise<Entry> => {
  const wasShuttingDown = guests.get(id).mayBeShuttingDown;
  const refusal = await waitForShutdown(guests, id, options);
  return guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry, options);
    const { state } = guests.lastState(entry);
    if (!watch && !wasShuttingDown) throw entry.stateError(state, 'start it instead');
    if (refusal && !options.force) throw refusal;
    assertNotMigrating(entry, state);
    entry.commandCount += 1;
    requireBootDevice(entry, options.boot);
    if (watch) await reset(guests, entry, watch, options.boot);
    else await guests.start(entry, { boot: options.boot });
    if (refusal) options.note?.(`reset (force): ${refusal.message}`);
    noteKeptSeed(entry, options, 'restart');
    return entry;
  });
};

interface EndOptions extends PowerOptions {
  signal?: AbortSignal;
  isWanted: () => boolean;
}

/**
 * Asks a guest to shut itself down, and waits.
 * @returns `undefined` once it is off; otherwise the refusal that says why it is still on
 */
export const endByItself = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  { timeoutMs = SHUTDOWN_TIMEOUT_MS, ...options }: EndOptions,
): Promise<Error | undefined> => {
  const { state } = guests.lastState(entry);
  const advice = deafAdvice(state);
  if (advice !== undefined) return entry.stateError(state, advice);
  if (await isButtonLost(watch))
    return entry.stateError(
      state,
      'it slept (ACPI S3), and its firmware did not bring the power button back: shut it down from inside and power it off, restart it, or force it (force=true, --force)',
    );
  const onTold = (): Promise<void> => entry.setToldToShutDown(Date.now());
  const { off, reaction } = await askToShutDown(entry, watch, { timeoutMs, onTold, ...options });
  if (off) return undefined;
  return new Refusal(
    'conflict',
    `guest ${entry.id} did not shut itself down within ${inSeconds(timeoutMs)} (${reaction}): allow more time (timeout=SECONDS, --within SECONDS), or end it (force=true, --force)`,
  );
};

const cutPower = async (guests: Guests, entry: Entry, { note }: PowerOptions): Promise<void> => {
  await stopQemu(entry);
  // A crash that could not be saved left its run directory, from which the next sub-agent would report it.
  if (!entry.watch) {
    await removeRunResources(guests.host, entry.paths, entry.record.definition.nics);
    entry.unfinishedEnd = undefined;
  }
  await entry.setRebooting(undefined);
  if (await discardMemory(entry)) note?.('its saved memory is discarded');
  if (OFF_STATES.has(guests.lastState(entry).state)) {
    await entry.setCrashed(false);
    guests.states.set(entry.id, 'shutoff', 0, shownReason(guests.host, entry));
  }
};

/**
 * Asks a guest to shut itself down and waits until it is off. Does not hold the guest's lock, so that a poweroff or a
 * delete can end it at once.
 * @throws when the guest is still on after `timeoutMs`, or cannot react; it keeps running unless `force` is set
 */
export const shutdown = async (
  guests: Guests,
  id: string,
  options: PowerOptions = {},
  signal?: AbortSignal,
): Promise<Entry> => {
  const entry = guests.get(id);
  entry.commandCount += 1;
  const { commandCount } = entry;
  await guests.exclusively(id, () => guests.get(id).setRebooting(undefined));
  await guests.state(entry);
  const { watch } = entry;
  if (!watch) return entry;
  const isWanted = (): boolean => guests.find(id) === entry && entry.commandCount === commandCount;
  const refusal = await endByItself(guests, entry, watch, {
    ...options,
    isWanted,
    ...(signal ? { signal } : {}),
  });
  if (!refusal) return entry;
  if (!isWanted()) {
    // A poweroff or a delete has ended it, or is about to.
    if (await watch.exitedWithin(EXIT_WAIT_MS, signal)) return entry;
    throw new Error(`the shutdown of guest ${id} was cancelled by a later command`);
  }
  return guests.exclusively(id, async () => {
    if (!options.force || !isWanted()) throw refusal;
    signal?.throwIfAborted();
    await cutPower(guests, entry, options);
    options.note?.(`power cut (force): ${refusal.message}`);
    return entry;
  });
};

/** Cuts a guest's power; see `stopQemu`. A guest that is off loses its saved memory. */
export const poweroff = async (guests: Guests, id: string, options: PowerOptions = {}): Promise<Entry> => {
  guests.get(id).commandCount += 1;
  return guests.exclusively(id, async () => {
    const entry = guests.get(id);
    await cutPower(guests, entry, options);
    return entry;
  });
};
