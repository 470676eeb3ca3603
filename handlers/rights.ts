import type { Context } from '../lib/agent/context.js';
import { requireEverywhere, requireNewGuest, requireOnGuest } from '../lib/auth/authorize.js';
import { backupNotFound, Forbidden, jobNotFound, volumeNotFound } from '../lib/errors.js';
import { ACTION_SPECS, type TaskKind } from '../lib/model/actions.js';
import type { Event } from '../lib/model/endpoint.js';
import { type EventBody, guestIdOf } from '../lib/model/event.js';
import { AGENT_RUNNER, type Job } from '../lib/model/job.js';
import { mayEverywhere, mayOn, type Verb } from '../lib/model/rights.js';
import type { Volume } from '../lib/model/volume.js';
import { queryBackup } from '../lib/runtime/actions/backup-queries.js';
import { queryVolume } from '../lib/runtime/actions/volume-actions.js';
import type { Creator } from '../lib/runtime/jobs/submission.js';

type Asking = Pick<Event, 'principal'>;

/** Makes the function that says whether the client may see a guest by its id; `undefined` when it may see all. */
export const guestFilter = (
  { principal }: Asking,
  { guests }: Pick<Context, 'guests'>,
): ((id: string) => boolean) | undefined =>
  mayEverywhere(principal, 'look') ? undefined : (id) => mayOn(principal, 'look', guests.subject(id));

/** Returns the id of the guest that a job concerns; `agent` when it concerns none. */
const guestOf = ({ jobs }: Pick<Context, 'jobs'>, { ID, GuestID }: Job): string => {
  const task = jobs.find(ID)?.task;
  // Jobs on backups run beside those of guests.
  return task?.kind === 'backup' && task.guest !== undefined ? task.guest : GuestID;
};

/** Makes the function that says whether the client may see a job; `undefined` when it may see all. */
export const jobFilter = (
  event: Asking,
  { guests, jobs }: Pick<Context, 'guests' | 'jobs'>,
): ((job: Job) => boolean) | undefined => {
  const sees = guestFilter(event, { guests });
  return sees && ((job) => sees(guestOf({ jobs }, job)));
};

/**
 * Makes the function that says whether the client may see an event. For some guests, it may see theirs, and what becomes of
 * the images of the host.
 */
export const eventFilter = (
  event: Asking,
  context: Pick<Context, 'guests' | 'jobs'>,
): ((body: EventBody) => boolean) => {
  const sees = guestFilter(event, context);
  if (!sees) return () => true;
  return (body) => {
    if (body.kind === 'image') return true;
    if (body.kind === 'job') return sees(guestOf(context, body.job));
    const guest = body.kind === 'schedule' ? undefined : guestIdOf(body);
    return guest !== undefined && sees(guest);
  };
};

/** The rights that tasks need which do not only turn a guest on or off. */
const TASK_RIGHTS: Record<TaskKind, Verb> = {
  guest: 'change',
  snapshot: 'snapshot',
  backup: 'backup',
  restore: 'backup',
  image: 'host',
  volume: 'host',
  volumeBackup: 'backup',
};

/** Returns the right that an action needs; that to change guests for one that no longer exists. */
const rightOf = (action: string): Verb => {
  const { task = 'guest', turnsGuest = false } = ACTION_SPECS.get(action) ?? {};
  return turnsGuest ? 'power' : TASK_RIGHTS[task];
};

/** @throws {AgentError} `not_found` for a job that the client may not see; `forbidden` when it may not cancel it */
export const requireCancellable = ({ principal }: Asking, { guests, jobs }: Context, id: string): void => {
  const job = jobs.get(id);
  const guest = guestOf({ jobs }, job);
  if (guest === AGENT_RUNNER) {
    if (!mayEverywhere(principal, 'look')) throw jobNotFound(id);
    requireEverywhere(principal, 'host', `canceling job ${id}`);
    return;
  }
  requireOnGuest(principal, rightOf(job.Action), guests.subject(guest), jobNotFound(id));
};

/**
 * Requires that the client has a right for the guest of a backup. A client with the right for all guests has it for the
 * backups of those that this host does not have, too.
 * @throws {AgentError} `not_found` for a backup that the client may not see; `forbidden` when it may not do this with it
 */
export const requireBackup = async (
  { principal }: Asking,
  { guests, runtime }: Context,
  verb: Verb,
  id: string,
): Promise<void> => {
  if (mayEverywhere(principal, verb)) return;
  const { backup } = (await queryBackup(runtime, id)).result;
  requireOnGuest(principal, verb, guests.subject(backup.guest), backupNotFound(id));
};

/** Describes the client as the creator of a guest, which includes the first start of that. */
export const creatorOf = ({ principal }: Asking, { guests }: Context): Creator => ({
  owner: principal?.owner,
  admit: (guest) => requireNewGuest(principal, guest, guests.list()),
});

const mayUseVolume = ({ principal }: Asking, { guests }: Context, verb: Verb, volume: Volume): boolean =>
  mayEverywhere(principal, verb) ||
  [...volume.guests, ...(volume.guest === undefined ? [] : [volume.guest])].some((id) =>
    mayOn(principal, verb, guests.subject(id)),
  );

/** Makes the function that says whether the client may see a volume: one of a guest that it may see. */
export const volumeFilter =
  (event: Asking, context: Context): ((volume: Volume) => boolean) =>
  (volume) =>
    mayUseVolume(event, context, 'look', volume);

/**
 * Requires that the client may read the files of a volume: those of a guest whose content it may read.
 * @throws {AgentError} `not_found` for a volume that the client may not see; `forbidden` for another
 */
export const requireVolume = async (event: Asking, context: Context, name: string): Promise<void> => {
  if (mayEverywhere(event.principal, 'content')) return;
  const { result: volume } = await queryVolume(context.runtime, name);
  if (!mayUseVolume(event, context, 'look', volume)) throw volumeNotFound(name);
  if (!mayUseVolume(event, context, 'content', volume))
    throw new Forbidden('content', `you lack the right "content" for the guests of volume ${name}`);
};
