import Joi from 'joi';
import { describeMistakes } from '../../../model/describe-mistakes.js';
import { type GuestSize, resize, SIZE_KEYS, type SizeChange, sizeOf } from '../../../model/guest-size.js';
import { sizeSchemas } from '../../../model/guest-size-schemas.js';
import type { OptionsChange } from '../../../model/hardware-options.js';
import { optionsPatchSchemas } from '../../../model/options-patch.js';
import type { GuestChange } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { requireGrowable, requireSizeFits } from '../machine/size-limits.js';
import { findLiveSize } from './adopt-size.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { type LiveChange, type LiveSize, liveChange } from './live-size.js';
import { nextSize, refitted, resized } from './pending.js';
import { type OptionsPlan, planOptions } from './plan-options.js';
import type { GuestRecord } from './records.js';
import type { Watch } from './watch.js';

export interface UpdateChange extends SizeChange, OptionsChange {}

const changeSchema = Joi.object<UpdateChange>({ ...sizeSchemas, ...optionsPatchSchemas }).required();

/** @throws {Refusal} `invalid` when the change is malformed */
export const parseUpdate = (change: GuestChange | undefined): UpdateChange => {
  const { value, error } = changeSchema.validate(change, { convert: false, abortEarly: false });
  if (error) throw new Refusal('invalid', describeMistakes(error));
  return value;
};

/** A checked change of a guest's size. */
export interface SizePlan {
  /** What the guest has. */
  now: GuestSize;
  /** What it is to have, at the latest from its next start on. */
  next: GuestSize;
  /** Absent when the guest is off, or its QEMU does not say what it has. */
  running?: { live: LiveSize; change: LiveChange };
}

/** A checked change of a guest. */
export interface UpdatePlan {
  /** Absent when the change has nothing of the size. */
  size: SizePlan | undefined;
  /** Absent when the change has nothing of the hardware. */
  options: OptionsPlan | undefined;
}

const planSize = async (
  guests: Guests,
  entry: Entry,
  watch: Watch | undefined,
  change: SizeChange,
): Promise<SizePlan | undefined> => {
  if (!SIZE_KEYS.some((key) => key in change)) return undefined;
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

/** @throws {Refusal} when the guest cannot have what it is to have, now or ever */
export const planUpdate = async (
  guests: Guests,
  entry: Entry,
  watch: Watch | undefined,
  change: UpdateChange,
): Promise<UpdatePlan> => {
  const options = await planOptions(guests, entry, change);
  return { size: await planSize(guests, entry, watch, change), options };
};

type Planned = Pick<GuestRecord, 'definition' | 'pending' | 'machine'>;

/** Returns the record of a guest that runs: what it has by now, and what waits for its next start. */
export const recordWhileOn = (
  { definition, pending }: Planned,
  { size, options }: UpdatePlan,
  now = size?.now,
): Planned => {
  const sized = size && now ? resized({ definition, pending }, now, size.next) : { definition, pending };
  return options ? { ...sized, ...refitted(options.machine, sized, options.now, options.next) } : sized;
};

/** Returns the record of a guest that is off, which has all of the change at once. */
export const recordWhileOff = (record: Planned, { size, options }: UpdatePlan): Planned =>
  recordWhileOn(record, { size, options: options && { ...options, now: options.next } }, size?.next);
