import { randomUUID } from 'node:crypto';
import { chmod, chown, type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allocatedBytes } from '../../../files/allocated-bytes.js';
import { sync } from '../../../files/atomic-files.js';
import { MB, toMb } from '../../../model/units.js';
import { completeWarmRequest, type WarmRequest } from '../../../model/warm.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { hardwareOf } from '../checkpoint/hardware.js';
import type { Entry } from '../guests/entry.js';
import { generationOf } from '../guests/generation.js';
import type { Guests } from '../guests/guests.js';
import { requireMachine } from '../guests/machines.js';
import { startDefinition } from '../guests/pending.js';
import { stopQemu } from '../guests/power.js';
import type { Watch } from '../guests/watch.js';
import { requireNotSaved } from '../saved-memory/discard.js';
import { sendDevices } from '../saved-memory/migration.js';
import { receiveMemory } from '../saved-memory/receive.js';
import { DEVICES_MB } from '../saved-memory/save.js';
import { discardWarm } from './discard.js';
import { requireFreshRandomness, syncDisks } from './inside.js';
import { serialLength, waitUntilReady } from './ready.js';
import { type WarmFiles, type WarmRecord, warmFiles } from './record.js';
import { withRoom } from './room.js';

/** The programs that the boot has started settle meanwhile. */
const SETTLE_MS = 500;
const READ_ONLY = 0o400;
/** Root ports for the NICs of clones came with it. */
const MIN_LAYOUT = 2;

type WarmContext = Pick<CallContext, 'signal' | 'progress' | 'log'>;

/** @throws {Refusal} when the hardware of a template rules out that its clones resume */
const requireWarmable = ({ id, record }: Entry, machine: ReturnType<typeof requireMachine>): void => {
  const refuse = (reason: string): Refusal =>
    new Refusal('conflict', `template ${id} cannot be warmed: ${reason}`);
  if (machine.layout < MIN_LAYOUT)
    throw refuse(
      `its devices have layout ${machine.layout}: move it on to newer hardware first (upgrade-machine)`,
    );
  if (machine.firmware !== 'bios')
    throw refuse('it has UEFI firmware, and only guests with BIOS can resume so');
  if (machine.tpm) throw refuse('it has a TPM, whose state cannot be shared');
  const { memory, maxMemory = memory } = startDefinition(record);
  if (maxMemory > memory) throw refuse('its memory can grow (maxMemory): remove that first');
};

/**
 * Checks that a template can be warmed.
 * @throws {Refusal} `conflict` when it cannot; `no_space` when its memory may not fit on the disk
 */
export const checkWarm = async (guests: Guests, id: string): Promise<void> => {
  const entry = guests.get(id);
  const { state } = await guests.state(entry);
  if (entry.watch && !entry.record.warming) throw entry.stateError(state, 'shut it down first');
  requireNotSaved(entry);
  requireWarmable(entry, await guests.machines.prepare(entry));
  await withRoom(guests, entry, async () => {});
};

/** Ends an attempt that the end of an earlier sub-agent, or of its caller, has interrupted. */
export const abandonWarming = async (guests: Guests, entry: Entry): Promise<void> => {
  if (!entry.record.warming) return;
  await stopQemu(entry);
  await discardWarm(guests.host, entry);
  await entry.update({ warming: undefined });
};

const makeRam = async (files: WarmFiles, megabytes: number): Promise<FileHandle> => {
  await rm(files.dir, { recursive: true, force: true });
  await mkdir(files.dir, { mode: 0o700 });
  const ram = await open(files.ram, 'wx+', 0o600);
  await ram.truncate(megabytes * MB);
  return ram;
};

/** Makes a file readable by root alone, and writable by none, and waits until it is on the disk. */
const close = async (path: string): Promise<void> => {
  if (process.getuid?.() === 0) await chown(path, 0, 0);
  await chmod(path, READ_ONLY);
  await sync(path);
};

/** Halts a template and saves the state of its devices. Its memory is in the file already. */
const saveDevices = async (
  { paths, record }: Entry,
  watch: Watch,
  { state }: WarmFiles,
  signal: AbortSignal,
): Promise<number> => {
  await watch.execute('stop');
  return receiveMemory(
    { memory: state, memorySocket: paths.memorySocket },
    { uid: record.uid, maxBytes: DEVICES_MB * MB, signal, onBytes: () => undefined },
    (ended) => sendDevices(watch, basename(paths.memorySocket), ended),
  );
};

const record = async (
  guests: Guests,
  entry: Entry,
  files: WarmFiles,
  { bytes, request }: { bytes: number; request: Required<WarmRequest> },
): Promise<WarmRecord> => {
  const { program, layout } = guests.host;
  const { type, cpuModel } = requireMachine(entry);
  return {
    ...{ id: randomUUID(), at: new Date().toISOString(), ...request },
    ...{ qemu: (await program.capabilities()).version, accel: program.accel, cpuModel, machine: type },
    ...{ memory: entry.record.definition.memory, size: toMb(allocatedBytes(await stat(files.ram)) + bytes) },
    ...{ bytes, hardware: await hardwareOf(entry), failures: 0 },
    generation: await generationOf(entry, layout.diskDirs),
  };
};

/** Boots a template, saves it once it is ready, and ends its QEMU. */
const bootAndSave = async (
  guests: Guests,
  entry: Entry,
  { request, onPoll }: { request: Required<WarmRequest>; onPoll: () => Promise<void> },
  { signal, progress, log }: WarmContext,
): Promise<WarmRecord> => {
  const files = warmFiles(entry.paths);
  const ram = await makeRam(files, startDefinition(entry.record).memory);
  try {
    const printed = await serialLength(entry);
    progress('the template boots');
    await guests.start(entry, { ram });
    const { watch } = entry;
    if (!watch) throw new Error(`template ${entry.id} has ended`);
    await waitUntilReady(entry, watch, request, { printed, signal, onPoll });
    if (request.randomness === 'fresh') await requireFreshRandomness(entry, watch);
    await syncDisks(entry, watch, log);
    await sleep(SETTLE_MS, undefined, { signal });
    progress('its memory is saved');
    const bytes = await saveDevices(entry, watch, files, signal);
    await stopQemu(entry);
    for (const path of [files.ram, files.state]) await close(path);
    return await record(guests, entry, files, { bytes, request });
  } finally {
    await ram.close();
  }
};

const warmNow = async (
  guests: Guests,
  entry: Entry,
  wish: WarmRequest,
  context: WarmContext,
): Promise<void> => {
  await abandonWarming(guests, entry);
  await checkWarm(guests, entry.id);
  await discardWarm(guests.host, entry);
  try {
    await withRoom(guests, entry, async (onPoll) => {
      await entry.update({ warming: true });
      const request = completeWarmRequest(wish);
      const found = await bootAndSave(guests, entry, { request, onPoll }, context);
      await entry.update({ warming: undefined, rewarming: undefined, warm: found });
    });
  } catch (error) {
    await abandonWarming(guests, entry);
    throw error;
  } finally {
    await guests.machines.describe(entry);
  }
};

/**
 * Warms a template: boots it on its own disks until it is ready, and keeps its memory. The clones that are made from then on
 * resume with it. Its disks stay as they were at that instant.
 * @throws {Refusal} `conflict` when it cannot be warmed, `no_space` when there is no room; it is cold then, unless that was
 * clear before its boot
 */
export const warm = (guests: Guests, id: string, wish: WarmRequest, context: WarmContext): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    await warmNow(guests, entry, wish, context);
    return entry;
  });

const coolNow = async (guests: Guests, entry: Entry): Promise<void> => {
  await abandonWarming(guests, entry);
  if (entry.record.rewarming) await entry.update({ rewarming: undefined });
  await discardWarm(guests.host, entry);
  await guests.machines.describe(entry);
};

/**
 * Warms a template again as it was warmed before, if it was. When that fails, the template is cold. When the signal ends it,
 * the next sub-agent warms the template.
 */
export const warmAgain = (guests: Guests, id: string, context: WarmContext): Promise<void> =>
  guests.exclusively(id, async () => {
    const entry = guests.find(id);
    const { rewarming, warm: before } = entry?.record ?? {};
    if (!entry || !(rewarming ?? before)) return;
    const { ready, timeout, randomness } = completeWarmRequest({ ...before, ...rewarming });
    await entry.update({ rewarming: { ready, timeout, randomness } });
    try {
      await warmNow(guests, entry, { ready, timeout, randomness }, context);
    } catch (error) {
      if (!context.signal.aborted) await coolNow(guests, entry);
      throw error;
    }
  });

/** Discards the memory of a template. Its clones boot from then on; those that run are not concerned. */
export const cool = (guests: Guests, id: string): Promise<Entry> => {
  // The sub-agent may be warming it again by itself.
  guests.get(id).commandCount += 1;
  return guests.exclusively(id, async () => {
    const entry = guests.get(id);
    await coolNow(guests, entry);
    return entry;
  });
};
