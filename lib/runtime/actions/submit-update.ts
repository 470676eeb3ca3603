import { invalid } from '../../errors.js';
import { requireRestartFits } from '../../model/coming-back-patch.js';
import { requireChangedContainer } from '../../model/container/spec-patch.js';
import { type Guest, isContainer, metadataOf } from '../../model/guest.js';
import { type GuestPatch, subAgentPart, withAgentPart } from '../../model/guest-patch.js';
import { resize, sizeOf, sizeProblem } from '../../model/guest-size.js';
import { changeOptions, optionsOf, optionsProblem } from '../../model/hardware-options.js';
import { requireMetadataFits } from '../../model/metadata.js';
import { grownBy, takenBy } from '../guests/updated-guest.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import type { Runtime } from '../runtime.js';
import { submitGuestAction } from './guest-actions.js';
import { requireTemplatableSoon } from './templates.js';

/** Says why a guest cannot have a change; `undefined` when it can, as far as the agent knows. */
const problemOf = (guest: Guest, patch: GuestPatch): string | undefined => {
  const { pending = {} } = guest;
  const problem = sizeProblem(resize(resize(sizeOf(guest), pending), patch));
  if (problem !== undefined || !patch.machine) return problem;
  return optionsProblem(changeOptions(changeOptions(optionsOf(guest), pending), patch));
};

/** What a patch can change of containers alone. */
const CONTAINER_KEYS = ['image', 'container'] as const;
const ALL_CONTAINER_KEYS: ReadonlySet<string> = new Set(['memory', 'cpu', ...CONTAINER_KEYS]);

/** @throws {AgentError} `invalid` for keys that a container does not have, or has not with such a value */
const requireContainerPart = (guest: Guest, part: GuestPatch): void => {
  const other = Object.keys(part).find((key) => !ALL_CONTAINER_KEYS.has(key));
  if (other !== undefined)
    throw invalid(`guest ${guest.id} is a container, which has no ${other}: leave it out`);
  requireChangedContainer(guest, part);
};

/** @throws {AgentError} `invalid` for keys that only virtual machines have, or that contradict each other */
const requireApplicable = (guest: Guest, patch: GuestPatch): void => {
  if (patch.template && isContainer(guest))
    throw invalid(`guest ${guest.id} is a container: only virtual machines can be templates`);
  requireRestartFits({ ...guest, ...withAgentPart(guest, patch) });
  const part = subAgentPart(patch);
  if (!part) return;
  if (isContainer(guest)) {
    requireContainerPart(guest, part);
    return;
  }
  const own = CONTAINER_KEYS.find((key) => part[key] !== undefined);
  if (own)
    throw invalid(`guest ${guest.id} is a virtual machine, whose ${own} cannot be changed: leave it out`);
  const problem = problemOf(guest, part);
  if (problem !== undefined) throw invalid(problem);
};

/**
 * Queues a change of a guest, or checks it in a dry run.
 * @throws {AgentError} `invalid` for a change that the guest cannot have; `conflict` when another guest has its new name,
 * or the quota of the host does not permit it to grow
 */
export const submitUpdate = async (
  runtime: Runtime,
  guest: Guest,
  patch: GuestPatch,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  requireApplicable(guest, patch);
  requireTemplatableSoon(runtime, guest, patch);
  requireMetadataFits(metadataOf(withAgentPart(guest, patch)));
  runtime.identities.check(takenBy(guest, patch));
  runtime.quota.checkGrowth(grownBy(guest, patch));
  const submission = await submitGuestAction(runtime, guest, 'update', { ...options, change: { ...patch } });
  return submission.job ? submission : { ...submission, pending: withAgentPart(submission.pending, patch) };
};
