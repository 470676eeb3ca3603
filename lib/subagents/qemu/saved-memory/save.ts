import { basename } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { MB, toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { isBackedUp } from '../../shared/block-nodes.js';
import { describeBytes, ProgressReporter } from '../../shared/download/progress.js';
import type { Entry } from '../guests/entry.js';
import { generationOf } from '../guests/generation.js';
import type { Guests } from '../guests/guests.js';
import { readLiveSize } from '../guests/live-size.js';
import { isRemovingNics } from '../guests/nics/settle.js';
import { stopQemu } from '../guests/power.js';
import type { Watch } from '../guests/watch.js';
import { type Version, versionText } from '../machine/capabilities.js';
import { LOST_TPM } from '../tpm/lost.js';
import { requireFitting } from './fitting.js';
import { resumeAfterSave, sendMemory } from './migration.js';
import { receiveMemory } from './receive.js';
import { removeMemory, type SavedMemory } from './saved-memory.js';

/** What the state of a guest's devices may take, in MB: the memory of its graphics card, its firmware. */
export const DEVICES_MB = 512;
/** QEMU sends a header with each page. */
export const OVERHEAD = 1.01;

const SAVABLE: ReadonlySet<string> = new Set(['running', 'paused']);

type SaveContext = Pick<CallContext, 'signal' | 'progress' | 'log'>;

/** @throws {Refusal} `conflict` when a guest's memory would not fit the guest of its next start */
const requireSavable = (guests: Guests, entry: Entry): void => {
  const { state, reason } = guests.lastState(entry);
  if (!SAVABLE.has(state) || reason !== undefined)
    throw entry.stateError(
      reason === undefined ? state : `${state} (${reason})`,
      'only the memory of a guest that runs or was paused can be saved',
    );
  requireSettled(entry);
};

/** @throws {Refusal} `conflict` when the devices of a guest are not as a start would give them to it */
export const requireSettled = (entry: Entry): void => {
  const { record } = entry;
  if (entry.hasLostTpm) throw new Refusal('conflict', `guest ${entry.id}: ${LOST_TPM}`);
  if ((record.removing?.length ?? 0) > 0 || isRemovingNics(entry))
    throw new Refusal(
      'conflict',
      `guest ${entry.id} has yet to release a disk or a NIC that is being removed: let it do that, or shut it down instead`,
    );
};

const transfer = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  { signal, progress }: SaveContext,
): Promise<SavedMemory> => {
  const { paths, record } = entry;
  const { base, growth } = await readLiveSize(watch);
  const maxBytes = Math.ceil((base + (growth?.max ?? 0)) * OVERHEAD + DEVICES_MB) * MB;
  const reporter = new ProgressReporter();
  reporter.listen(progress);
  const onBytes = (done: number): void => reporter.set(...describeBytes(done, undefined));
  try {
    const bytes = await receiveMemory(paths, { uid: record.uid, maxBytes, signal, onBytes }, (ended) =>
      sendMemory(watch, basename(paths.memorySocket), ended),
    );
    return {
      ...{ at: Date.now(), bytes, base },
      qemu: versionText(await watch.execute<Version>('query-version')),
      accel: guests.host.program.accel,
      generation: await generationOf(entry, guests.host.layout.diskDirs),
    };
  } finally {
    reporter.end();
  }
};

/** Halts a guest and saves its memory. When that fails, the guest is as it was before. */
const saveRunning = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  context: SaveContext,
): Promise<SavedMemory> => {
  const { state } = guests.lastState(entry);
  await entry.update({ saving: { paused: state === 'paused' } });
  try {
    await watch.execute('stop');
    const saved = await transfer(guests, entry, watch, context);
    await entry.update({ saved, saving: undefined });
    return saved;
  } catch (error) {
    await resumeAfterSave(entry, watch).catch((failure: unknown) =>
      context.log.error({ err: failure, guest: entry.id }, `guest not resumed: ${errorMessage(failure)}`),
    );
    await removeMemory(entry.paths);
    throw error;
  }
};

/** @throws {Refusal} as `save`, as far as that is known before */
export const checkSave = async (guests: Guests, id: string): Promise<void> => {
  const entry = guests.get(id);
  await guests.state(entry);
  if (!entry.record.saved) requireSavable(guests, entry);
};

/**
 * Saves the memory of a guest to disk and ends its QEMU; its next start resumes it. A guest that is off with its memory
 * saved is no error.
 * @throws {Refusal} `conflict` for a guest in another state; after any error it runs on
 */
export const save = (
  guests: Guests,
  id: string,
  context: SaveContext,
): Promise<{ entry: Entry; message: string }> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    const { saved } = entry.record;
    if (!watch && saved) {
      await requireFitting(entry, saved, guests.host.layout.diskDirs);
      return { entry, message: 'its memory is saved already' };
    }
    requireSavable(guests, entry);
    if (!watch) throw entry.stateError(guests.lastState(entry).state, 'it has no memory to save');
    if (await isBackedUp(watch))
      throw new Refusal(
        'conflict',
        `guest ${id} is being backed up: save its memory once that is done, or cancel the backup`,
      );
    entry.commandCount += 1;
    await entry.setRebooting(undefined);
    const { bytes } = await saveRunning(guests, entry, watch, context);
    await stopQemu(entry);
    return { entry, message: `${toMb(bytes)} MB of memory saved` };
  });
