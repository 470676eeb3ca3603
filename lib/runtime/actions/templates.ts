import { AgentError } from '../../errors.js';
import { ACTION_SPECS } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import { isOff } from '../../model/intent.js';
import type { Runtime } from '../runtime.js';

/** @throws {AgentError} `conflict` when the action would start a template, or change its disks */
export const requireNotTemplate = ({ id, template = false }: Guest, action: string): void => {
  if (!template || !ACTION_SPECS.get(action)?.sparesTemplates) return;
  throw new AgentError(
    'conflict',
    `guest ${id} is a template, which does not start, and whose disks do not change: clone it, or make it a guest again (template: false, mistify guest template --off)`,
  );
};

/** @throws {AgentError} `conflict` for a guest that is no template */
export const requireTemplate = ({ id, template = false }: Guest): void => {
  if (template) return;
  throw new AgentError('conflict', `guest ${id} is no template: make it one first`);
};

/** @throws {AgentError} `conflict` when a template that is to be a guest again is warm, or boots to be */
const requireCold = (template: Guest): void => {
  const { id, state, warm } = template;
  if (!warm && isOff(template)) return;
  throw new AgentError(
    'conflict',
    warm
      ? `template ${id} is warm: cool it first, then make it a guest again`
      : `template ${id} is ${state ?? 'unknown'}, as while it is being warmed: make it a guest again when that has ended`,
  );
};

/**
 * @throws {AgentError} `conflict` when a guest that is to become a template is not off, or a template that is to be a guest
 * again is warm
 */
export const requireTemplatable = (guest: Guest, { template }: { template?: boolean | null }): void => {
  if (template === undefined) return;
  if (!template) {
    if (guest.template) requireCold(guest);
    return;
  }
  if (guest.template || isOff(guest)) return;
  throw new AgentError(
    'conflict',
    `guest ${guest.id} is ${guest.state ?? 'unknown'}: shut it down first, then make it a template`,
  );
};

/** As `requireTemplatable`, before a job is queued: jobs that wait may shut the guest down first. */
export const requireTemplatableSoon = (
  runtime: Runtime,
  guest: Guest,
  patch: { template?: boolean | null },
): void => {
  if (runtime.isIdle(guest.id)) requireTemplatable(guest, patch);
};
