import { randomUUID } from 'node:crypto';
import { AgentError, invalid, notCreated } from '../../errors.js';
import type { CloneOrigin, CloneRequest } from '../../model/clone.js';
import { clonedGuest, identityNote } from '../../model/cloned-guest.js';
import { requireRestartFits } from '../../model/coming-back-patch.js';
import { type Guest, isContainer } from '../../model/guest.js';
import { sizeOf, sizeProblem } from '../../model/guest-size.js';
import { isOff } from '../../model/intent.js';
import { requireReadable } from '../../model/labels.js';
import { applyMetadataPatch, requireMetadataFits } from '../../model/metadata.js';
import { dryGuestExchange } from '../guests/guest-exchange.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { checkPipeline } from '../pipeline/check.js';
import type { Runtime } from '../runtime.js';
import { createFailure } from './create-outcome.js';
import { requireFree, submitNewGuest } from './submit-create.js';

/** @throws {AgentError} `invalid` for a container; `conflict` for a guest that is not there yet */
const requireCloneable = (runtime: Runtime, { id, state, ...guest }: Guest): void => {
  if (isContainer(guest)) throw invalid(`guest ${id} is a container: only virtual machines can be cloned`);
  if (state === 'error') throw notCreated(id, createFailure(runtime, id));
  if (state === 'create')
    throw new AgentError('conflict', `guest ${id} is being created: clone it when that job has ended`);
};

/** @throws {AgentError} `conflict` for a template whose disks change, because it is being warmed */
const requireNotWarming = (guest: Guest, { snapshot }: CloneRequest): void => {
  if (!guest.template || snapshot !== undefined || isOff(guest)) return;
  const { id, state = 'unknown' } = guest;
  throw new AgentError(
    'conflict',
    state === 'unknown'
      ? `the state of template ${id} is unknown, because its sub-agent does not respond: clone it when it does, or name a snapshot`
      : `template ${id} is ${state}, as while it is being warmed: clone it when that has ended, or name a snapshot`,
  );
};

/** @throws {AgentError} `conflict` for a linked clone of what may change */
const isLinked = (
  { id, template = false }: Guest,
  { linked = template, snapshot }: CloneRequest,
): boolean => {
  if (linked && snapshot === undefined && !template)
    throw new AgentError(
      'conflict',
      `a linked clone needs disks that do not change: name a snapshot of guest ${id}, make the guest a template, or leave out "linked" for a full clone`,
    );
  return linked;
};

/** Returns the memory that a clone resumes with; `undefined` for one that boots, because it is to be another one. */
const warmOf = (
  { warm }: Guest,
  { snapshot, reset = [], warm: isWanted = true }: CloneRequest,
  linked: boolean,
): string | undefined =>
  linked && snapshot === undefined && reset.length === 0 && isWanted ? warm?.id : undefined;

/** Names a clone after its source, by the first such name that no other guest has. */
const chooseName = ({ guests }: Runtime, { metadata = {} }: Guest): string | undefined => {
  if (!metadata.name) return undefined;
  const taken = new Set(guests.list().map((guest) => guest.metadata?.name));
  for (let number = 1; ; number += 1) {
    const name = `${metadata.name}-clone${number === 1 ? '' : `-${number}`}`;
    if (!taken.has(name)) return name;
  }
};

/**
 * Stores the clone of a guest and queues its creation.
 * @throws {AgentError} as `submitNewGuest`, and when the guest cannot be cloned so
 */
export const submitClone = async (
  runtime: Runtime,
  source: Guest,
  request: CloneRequest,
  options: SubmitOptions = {},
): Promise<Submission<Guest>> => {
  const action = runtime.action('clone');
  requireCloneable(runtime, source);
  requireNotWarming(source, request);
  const linked = isLinked(source, request);
  const identity = {
    id: request.id || randomUUID(),
    name: request.name || chooseName(runtime, source),
    linked,
  };
  requireReadable({ metadata: applyMetadataPatch({}, request.metadata ?? {}) });
  requireFree(runtime, identity.id);
  const guest = clonedGuest(source, request, identity);
  requireMetadataFits(guest.metadata ?? {});
  requireRestartFits(guest);
  const problem = sizeProblem(sizeOf(guest));
  if (problem !== undefined) throw invalid(problem);
  const { snapshot, tpm = 'fresh', start = false } = request;
  const warm = warmOf(source, request, linked);
  const origin: CloneOrigin = {
    ...{ source: source.id, linked, tpm },
    ...(snapshot ? { snapshot } : {}),
    ...(warm ? { warm } : {}),
  };
  const change = { ...origin };
  // What this host lacks is found before anything is copied.
  if (!options.dryRun) await checkPipeline(action, dryGuestExchange(action, guest, change));
  const note = identityNote(guest, source.id, request);
  const task = { kind: 'guest', name: 'clone', change, start, note } as const;
  return submitNewGuest(runtime, guest, { action, task, change }, options);
};
