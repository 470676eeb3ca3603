import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { noteKeptSeed } from './kept-seed.js';
import { assertNotMigrating, endByItself, reset } from './power.js';
import { type PowerOptions, SHUTDOWN_TIMEOUT_MS } from './power-options.js';
import { deafAdvice } from './state.js';
import type { Watch } from './watch.js';

/** `PowerOptions` with their defaults. */
interface RebootOptions {
  timeoutMs: number;
  force: boolean;
  note: (message: string) => void;
  metadata: PowerOptions['metadata'];
}

type Begun = { watch: Watch | undefined };

/** Records the reboot and returns the QEMU that must exit first, if it has not exited already. */
const beginReboot = (guests: Guests, id: string, options: RebootOptions): Promise<Begun> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const { timeoutMs, force } = options;
    const watch = await guests.running(entry, { force, note: options.note });
    const { state } = guests.lastState(entry);
    if (!watch && !entry.record.rebooting) throw entry.stateError(state, 'start it instead');
    assertNotMigrating(entry, state);
    if (state === 'unknown')
      throw entry.stateError(state, 'its QEMU does not reply over QMP: power it off, then start it');
    const advice = watch && deafAdvice(state);
    if (advice !== undefined && !force) throw entry.stateError(state, advice);
    if (watch) await entry.setRebooting({ timeoutMs, force });
    return { watch };
  });

const endReboot = async (
  guests: Guests,
  entry: Entry,
  { force, note, metadata }: RebootOptions,
  refusal: Error | undefined,
): Promise<void> => {
  const watch = await guests.running(entry);
  if (!watch) await guests.start(entry);
  else if (refusal) {
    if (!force) throw refusal;
    await reset(guests, entry, watch);
    note(`reset (force): ${refusal.message}`);
  }
  noteKeptSeed(entry, { metadata, note }, 'reboot');
};

/**
 * Asks a guest to shut itself down, and starts it again once it is off. Runs to its end even when the caller goes away:
 * a guest that was told to shut down may do so at any time, and must then be started again.
 * @throws when the guest is still on after `timeoutMs`, or cannot react, unless `force` allows resetting it; and when a
 * later command set the guest's power state
 */
export const reboot = async (
  guests: Guests,
  id: string,
  { timeoutMs = SHUTDOWN_TIMEOUT_MS, force = false, note = () => undefined, metadata }: PowerOptions = {},
): Promise<Entry> => {
  const options = { timeoutMs, force, note, metadata };
  const entry = guests.get(id);
  const { commandCount } = entry;
  const { watch } = await beginReboot(guests, id, options);
  const isWanted = (): boolean => guests.find(id) === entry && entry.commandCount === commandCount;
  const refusal = watch && (await endByItself(guests, entry, watch, { ...options, isWanted }));
  return guests.exclusively(id, async () => {
    if (!isWanted())
      throw new Refusal('conflict', `the reboot of guest ${id} was cancelled by a later command`);
    try {
      await endReboot(guests, entry, options, refusal);
    } catch (error) {
      // The caller learns that this guest is not rebooted, so it must not start by itself later.
      if (error === refusal) await entry.setRebooting(undefined);
      throw error;
    }
    return entry;
  });
};

/** Resumes the reboots that were under way when the last sub-agent exited, with their options. */
export const resumeReboots = (guests: Guests, log: Logger): void => {
  for (const { id, record } of guests.all()) {
    if (!record.rebooting || record.saved) continue;
    reboot(guests, id, record.reboot).catch((error) =>
      log.error({ err: error, guest: id }, errorMessage(error)),
    );
  }
};
