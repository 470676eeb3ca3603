import { hasSeed } from '../checkpoint/hardware.js';
import { correctClock } from '../guests/clock.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { stopQemu } from '../guests/power.js';
import type { StartOptions } from '../guests/power-options.js';
import type { Resumed } from '../guests/starts.js';
import { announceSizes } from '../saved-memory/announce-sizes.js';
import { agentOfResumed, freshen } from './freshen.js';
import type { FoundWarm } from './warm-starts.js';

/** Boots a guest that has resumed, but does not respond. */
const bootInstead = async (
  guests: Guests,
  entry: Entry,
  warm: FoundWarm,
  options: StartOptions,
): Promise<void> => {
  await stopQemu(entry);
  await guests.warmStarts.failed(entry, warm, new Error('its guest agent did not respond'), options);
  await guests.start(entry, options);
};

/**
 * Completes the start of a guest that has resumed with the memory of its template: its clock, and, by its guest agent, its
 * identity. A guest whose agent does not respond, although the template's did, boots instead.
 */
export const settleClone = async (
  guests: Guests,
  entry: Entry,
  warm: FoundWarm,
  { at }: Resumed,
  options: StartOptions,
): Promise<void> => {
  const { watch } = entry;
  if (!watch) return;
  const { note } = options;
  await announceSizes(entry, watch);
  if (!('agent' in warm.warm.ready)) {
    const problem = await correctClock(entry, watch, at);
    note?.(`the guest resumed with the memory of template ${warm.template.id}`);
    note?.('its host name, machine-id and SSH host keys are those of the template');
    if (problem !== undefined) note?.(problem);
    return;
  }
  const agent = await agentOfResumed(entry, watch);
  if (!agent) return bootInstead(guests, entry, warm, options);
  try {
    const { hostname = '' } = entry.record.definition.metadata ?? {};
    const news = await freshen(agent, { hostname, hasSeed: await hasSeed(entry) });
    note?.(`the guest resumed with the memory of template ${warm.template.id}; ${news}`);
  } finally {
    agent.close();
  }
  const problem = await correctClock(entry, watch, at);
  if (problem !== undefined) note?.(problem);
};
