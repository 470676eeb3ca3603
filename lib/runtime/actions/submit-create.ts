import { type AgentError, guestExists, notCreatedYet } from '../../errors.js';
import { actionName, type Creation } from '../../model/actions.js';
import { type Guest, normalizeGuest } from '../../model/guest.js';
import { isFinished } from '../../model/job.js';
import type { GuestChange } from '../../rpc/protocol/guest-messages.js';
import type { Task } from '../../store/logged-job.js';
import { dryGuestExchange } from '../guests/guest-exchange.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import type { Action } from '../pipeline/action.js';
import type { Runtime } from '../runtime.js';
import { createFailure } from './create-outcome.js';
import { withChecks } from './dry-run.js';
import { updateStorageSize } from './storage-actions.js';

/** Returns why the guest with an id cannot be created; `undefined` when its earlier creation has failed and ended. */
const obstacle = (runtime: Runtime, { id, state }: Guest): AgentError | undefined => {
  if (state !== 'error') return guestExists(id);
  const isOver = runtime.jobs.list({ guestId: id }).every(isFinished);
  return isOver ? undefined : notCreatedYet(id, createFailure(runtime, id));
};

/** @throws {AgentError} `conflict` when no guest can be created with an id, because another one has it */
export const requireFree = (runtime: Runtime, id: string): void => {
  const current = runtime.guests.find(id);
  const error = current && obstacle(runtime, current);
  if (error) throw error;
};

/**
 * Stores a guest, in place of one with its id that could not be created.
 * @returns the replaced guest
 * @throws {AgentError} `conflict` when the id is taken
 */
const store = async (runtime: Runtime, guest: Guest): Promise<Guest | undefined> => {
  if (await runtime.guests.insert(guest)) return undefined;
  let failed: Guest | undefined;
  await runtime.guests.update(guest.id, (current) => {
    const error = obstacle(runtime, current);
    if (error) throw error;
    failed = current;
    return guest;
  });
  return failed;
};

/** Undoes `store`. */
const unstore = async (runtime: Runtime, { id }: Guest, failed: Guest | undefined): Promise<void> => {
  if (failed) {
    await runtime.guests.update(id, () => failed);
    return;
  }
  await runtime.guests.remove(id);
  runtime.forgetGuest(id);
};

/** The job that makes a guest. */
export interface Making {
  action: Action;
  task: Task;
  /** What its stages get besides the guest. */
  change?: GuestChange | undefined;
}

/**
 * Stores a new guest and queues the job that makes it. When the job fails, the guest stays, in state `error`, and can be
 * created again.
 * @throws {AgentError} as `options.creator.admit`; `conflict` when the id is taken, another guest has the name or an address, or the quota of the host
 * or of the owner does not permit the guest; `no_space` when it does not permit its disks
 */
export const submitNewGuest = async (
  runtime: Runtime,
  requested: Guest,
  { action, task, change }: Making,
  options: SubmitOptions = {},
): Promise<Submission<Guest>> => {
  const { creator } = options;
  const guest = normalizeGuest({ ...requested, owner: creator?.owner ?? null, state: 'create' });
  creator?.admit(guest);
  const submit = () => runtime.queue.submit(guest.id, action, task, guest, options);
  await updateStorageSize(runtime);
  if (options.dryRun) {
    requireFree(runtime, guest.id);
    runtime.identities.check(guest);
    runtime.quota.check(guest);
    return withChecks(await submit(), action, () => dryGuestExchange(action, guest, change));
  }
  const failed = await runtime.quota.claim(guest, () =>
    runtime.identities.claim(guest, () => store(runtime, guest)),
  );
  try {
    return await submit();
  } catch (error) {
    await unstore(runtime, guest, failed);
    throw error;
  }
};

/** How a guest comes to be. */
interface CreationOptions extends SubmitOptions {
  name?: Creation;
  /** What its stages get besides the guest. */
  change?: GuestChange;
}

/**
 * Stores a new guest and queues its creation.
 * @throws {AgentError} as `submitNewGuest`
 */
export const submitCreate = (
  runtime: Runtime,
  guest: Guest,
  { name = 'create', change, ...options }: CreationOptions = {},
): Promise<Submission<Guest>> => {
  const action = runtime.action(actionName(guest.type, name));
  const task = { kind: 'guest', name, ...(change ? { change } : {}) } as const;
  return submitNewGuest(runtime, guest, { action, task, change }, options);
};
