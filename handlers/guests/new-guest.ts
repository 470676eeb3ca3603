import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import { requireRestartFits } from '../../lib/model/coming-back-patch.js';
import { memoryProblem } from '../../lib/model/container/memory.js';
import { requireSpecFits } from '../../lib/model/container/spec-size.js';
import { type Guest, isContainer } from '../../lib/model/guest.js';
import { sizeOf, sizeProblem } from '../../lib/model/guest-size.js';
import { requireReadable } from '../../lib/model/labels.js';
import { requireMetadataFits } from '../../lib/model/metadata.js';
import { seedMistake } from '../../lib/model/seed-metadata.js';

/** Names the CPU model of a new virtual machine, so that a later change of the config does not change the guest. */
const withCpuModel = (guest: Guest, { cpuModel }: Context): Guest =>
  isContainer(guest) || guest.cpuModel || !cpuModel ? guest : { ...guest, cpuModel };

const withAutostart = (guest: Guest, { autostart }: Context): Guest =>
  guest.autostart || !autostart ? guest : { ...guest, autostart: { policy: autostart } };

/** @throws {AgentError} `invalid` for a guest that cannot grow as it is to */
const requireGrowth = (guest: Guest): void => {
  const { maxMemory, maxCpu } = guest;
  if (isContainer(guest) && (maxMemory ?? maxCpu) !== undefined)
    throw invalid('a container does not grow while it runs: leave out maxMemory and maxCpu');
  const problem = isContainer(guest) ? memoryProblem(guest) : sizeProblem(sizeOf(guest));
  if (problem !== undefined) throw invalid(problem);
};

/** @throws {AgentError} `invalid` for a hostname or a name server that no seed can have */
const requireSeed = (guest: Guest): void => {
  const mistake = isContainer(guest) ? undefined : seedMistake(guest.metadata ?? {});
  if (mistake !== undefined) throw invalid(mistake);
};

/**
 * Completes a new guest by what the config says.
 * @throws {AgentError} `invalid` for a guest that could not be stored or not grow
 */
export const completeGuest = (guest: Guest, context: Context): Guest => {
  requireMetadataFits(guest.metadata ?? {});
  requireSpecFits(guest.container);
  requireReadable(guest);
  requireSeed(guest);
  requireGrowth(guest);
  requireRestartFits(guest);
  return withAutostart(withCpuModel(guest, context), context);
};
