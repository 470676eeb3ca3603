import Joi from 'joi';
import { describeMistakes } from '../../../model/describe-mistakes.js';
import type { Guest } from '../../../model/guest.js';
import { type GuestSize, resize, type SizeChange, sizeOf } from '../../../model/guest-size.js';
import { sizeSchemas } from '../../../model/guest-size-schemas.js';
import { describeSize, sizeStateOf } from '../../../model/size-words.js';
import type { GuestChange } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { requireGrowable, requireSizeFits } from '../machine/size-limits.js';
import { findLiveSize } from './adopt-size.js';
import type { Entry } from './entry.js';
import { changeLive } from './grow.js';
import type { Guests } from './guests.js';
import { type LiveChange, type LiveSize, liveChange, withLive } from './live-size.js';
import { useCpus } from './online-cpus.js';
import { nextSize, resized, toldSize } from './pending.js';
import type { Watch } from './watch.js';

const changeSchema = Joi.object<SizeChange>(sizeSchemas).required();

/** @throws {Refusal} `invalid` when the change is malformed */
const parseChange = (change: GuestChange | undefined): SizeChange => {
  const { value, error } = changeSchema.validate(change, { convert: false, abortEarly: false });
  if (error) throw new Refusal('invalid', describeMistakes(error));
  return value;
};

/** A change that was checked. */
interface Plan {
  /** What the guest has. */
  now: GuestSize;
  /** What it is to have, at the latest from its next start on. */
  next: GuestSize;
  /** Absent when the guest is off, or its QEMU does not say what it has. */
  running?: { live: LiveSize; change: LiveChange };
}

/** @throws {Refusal} when the guest cannot have what it is to have, now or ever */
const planUpdate = async (
  guests: Guests,
  entry: Entry,
  watch: Watch | undefined,
  change: SizeChange,
): Promise<Plan> => {
  const { id, record } = entry;
  const { program, capacity } = guests.host;
  const next = resize(nextSize(record), change);
  requireSizeFits(next, { accel: program.accel });
  if (record.machine) requireGrowable(next, record.machine);
  const live = await findLiveSize(watch);
  if (!live) return { now: sizeOf(record.definition), next };
  const now = { ...sizeOf(record.definition), cpu: live.cpu };
  const state = guests.lastState(entry).state;
  const possible = liveChange(live, now, next, { layout: record.machine?.layout ?? 1, state });
  const { memory = now.memory, cpu = now.cpu } = possible;
  if (memory > now.memory || cpu > now.cpu) capacity.check({ id, memory, cpu });
  return { now, next, running: { live, change: possible } };
};

/**
 * Returns a guest as a change would make it. Does not change the guest.
 * @throws {Refusal} as `update`
 */
export const checkUpdate = async (
  guests: Guests,
  id: string,
  change: GuestChange | undefined,
): Promise<Pick<Guest, 'id' | 'memory' | 'cpu' | 'maxMemory' | 'maxCpu' | 'pending'>> => {
  const entry = guests.get(id);
  const plan = await planUpdate(guests, entry, entry.watch, parseChange(change));
  if (!entry.watch) return { id, ...sizesResponse(resized(entry.record, plan.next, plan.next)) };
  const { memory = plan.now.memory, cpu = plan.now.cpu } = plan.running?.change ?? {};
  return { id, ...sizesResponse(resized(entry.record, { ...plan.now, memory, cpu }, plan.next)) };
};

/** A guest's size in a response, in which 0 and an empty object remove a key. */
export const sizesResponse = (
  record: Parameters<typeof toldSize>[0],
): Required<Pick<Guest, 'memory' | 'cpu' | 'maxMemory' | 'maxCpu' | 'pending'>> => ({
  maxMemory: 0,
  maxCpu: 0,
  pending: {},
  ...toldSize(record),
});

/** Changes a running guest as far as that is possible, and records what it has got and what waits. */
const updateRunning = async (guests: Guests, entry: Entry, watch: Watch, plan: Plan): Promise<string[]> => {
  const { now, next, running } = plan;
  const { capacity } = guests.host;
  // At worst, all of it comes at the next start: also after a crash in the middle of what follows.
  await entry.update(resized(entry.record, now, next));
  if (!running) return ['its QEMU does not say what it has'];
  const { live, change } = running;
  const { memory = now.memory, cpu = now.cpu } = change;
  // Growth counts from here on, because other guests start meanwhile.
  capacity.take({ id: entry.id, memory: Math.max(memory, now.memory), cpu });
  const { commandCount } = entry;
  const failures = await changeLive(watch, live, change, () => entry.commandCount === commandCount);
  const after = await findLiveSize(entry.watch);
  const has = after ? withLive(now, after) : now;
  await entry.update(resized(entry.record, has, next));
  if (entry.watch) capacity.take({ id: entry.id, ...has });
  const unused = has.cpu > now.cpu ? await useCpus(entry, watch, has.cpu) : undefined;
  return [...change.notes, ...failures, ...(unused === undefined ? [] : [unused])];
};

/**
 * Changes the size of a guest: at once when it is off, and otherwise as far as QEMU and the guest's operating system
 * allow while it runs. The rest waits for the next start. May be repeated.
 * @returns the guest, and what has changed in words
 * @throws {Refusal} `invalid` for a size that the guest can never have, `conflict` when the host has no room for it now
 */
export const update = (
  guests: Guests,
  id: string,
  change: GuestChange | undefined,
): Promise<{ entry: Entry; message: string }> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    await guests.machines.adopt(entry);
    const watch = await guests.running(entry);
    const before = sizeStateOf(toldSize(entry.record));
    const plan = await planUpdate(guests, entry, watch, parseChange(change));
    const notes = watch ? await updateRunning(guests, entry, watch, plan) : [];
    if (!watch) await entry.update(resized(entry.record, plan.next, plan.next));
    await guests.machines.describe(entry);
    const words = describeSize(before, sizeStateOf(toldSize(entry.record)));
    return { entry, message: notes.length > 0 ? `${words} (${notes.join('; ')})` : words };
  });
