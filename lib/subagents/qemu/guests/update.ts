import { changeStateOf, describeChange, featuresOf } from '../../../model/change-words.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestChange } from '../../../rpc/protocol/guest-messages.js';
import { findLiveSize } from './adopt-size.js';
import { changeNvram } from './change-nvram.js';
import type { Entry } from './entry.js';
import { changeLive } from './grow.js';
import type { Guests } from './guests.js';
import { withLive } from './live-size.js';
import { toldMachine } from './machines.js';
import { useCpus } from './online-cpus.js';
import { toldSize } from './pending.js';
import { parseUpdate, planUpdate, recordWhileOff, recordWhileOn, type UpdatePlan } from './plan-update.js';
import type { GuestRecord } from './records.js';
import type { Watch } from './watch.js';

type UpdatedKey = 'memory' | 'cpu' | 'maxMemory' | 'maxCpu' | 'pending' | 'machine' | 'devices';

/**
 * Returns a guest as a change would make it. Does not change the guest.
 * @throws {Refusal} as `update`
 */
export const checkUpdate = async (
  guests: Guests,
  id: string,
  change: GuestChange | undefined,
): Promise<Pick<Guest, 'id' | UpdatedKey>> => {
  const entry = guests.get(id);
  const { record, watch } = entry;
  const plan = await planUpdate(guests, entry, watch, parseUpdate(change));
  const { size } = plan;
  const after = watch
    ? recordWhileOn(record, plan, size && { ...size.now, ...liveSizeIn(plan) })
    : recordWhileOff(record, plan);
  return { id, ...sizesResponse(after), ...(after.machine ? toldMachine(after.machine) : {}) };
};

/** The memory and the vCPUs that a guest gets while it runs. */
const liveSizeIn = ({ size }: UpdatePlan): { memory?: number; cpu?: number } => {
  const { memory, cpu } = size?.running?.change ?? {};
  return { ...(memory === undefined ? {} : { memory }), ...(cpu === undefined ? {} : { cpu }) };
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
const updateRunning = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  plan: UpdatePlan,
): Promise<string[]> => {
  const { capacity } = guests.host;
  // At worst, all of it comes at the next start: also after a crash in the middle of what follows.
  await entry.update(recordWhileOn(entry.record, plan));
  const { size } = plan;
  if (!size) return [];
  if (!size.running) return ['its QEMU does not say what it has'];
  const { now } = size;
  const { live, change } = size.running;
  const { memory = now.memory, cpu = now.cpu } = change;
  // Growth counts from here on, because other guests start meanwhile.
  capacity.take({ id: entry.id, memory: Math.max(memory, now.memory), cpu });
  const { commandCount } = entry;
  const failures = await changeLive(watch, live, change, () => entry.commandCount === commandCount);
  const after = await findLiveSize(entry.watch);
  const has = after ? withLive(now, after) : now;
  await entry.update(recordWhileOn(entry.record, { size, options: undefined }, has));
  if (entry.watch) capacity.take({ id: entry.id, ...has });
  const unused = has.cpu > now.cpu ? await useCpus(entry, watch, has.cpu) : undefined;
  return [...change.notes, ...failures, ...(unused === undefined ? [] : [unused])];
};

const updateOff = async (guests: Guests, entry: Entry, plan: UpdatePlan): Promise<void> => {
  const after = recordWhileOff(entry.record, plan);
  if (after.machine) await changeNvram(guests.host, entry, after.machine);
  await entry.update(after);
};

/** A guest as `describeChange` compares it. */
const stateOf = (record: GuestRecord) =>
  changeStateOf({ ...toldSize(record), ...(record.machine ? toldMachine(record.machine) : {}) });

/**
 * Changes the size of a guest and the options of its hardware: at once when it is off. One that runs gets as much of the
 * size as QEMU and the guest's operating system allow; the rest waits for the next start. May be repeated.
 * @returns the guest, and what has changed in words
 * @throws {Refusal} `invalid` for what the guest can never have, `conflict` when the host has no room for it now, or lacks
 * a part that it needs
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
    const before = stateOf(entry.record);
    const wanted = parseUpdate(change);
    const plan = await planUpdate(guests, entry, watch, wanted);
    const notes = watch ? await updateRunning(guests, entry, watch, plan) : [];
    if (!watch) await updateOff(guests, entry, plan);
    await guests.machines.describe(entry);
    const words = describeChange(before, stateOf(entry.record), featuresOf(wanted));
    return { entry, message: notes.length > 0 ? `${words} (${notes.join('; ')})` : words };
  });
