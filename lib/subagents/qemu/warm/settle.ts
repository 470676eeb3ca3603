import { hasSeed } from '../checkpoint/hardware.js';
import { correctClock } from '../guests/clock.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { stopQemu } from '../guests/power.js';
import type { StartOptions } from '../guests/power-options.js';
import type { Resumed } from '../guests/starts.js';
import { announceSizes } from '../saved-memory/announce-sizes.js';
import { agentOfResumed, freshen, type Identity } from './freshen.js';
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

const identityOf = async (entry: Entry): Promise<Identity> => ({
  hostname: entry.record.definition.metadata?.hostname ?? '',
  hasSeed: await hasSeed(entry),
});

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
  const identity = await identityOf(entry);
  const mustRespond = 'agent' in warm.warm.ready;
  const agent = mustRespond ? await agentOfResumed(entry, watch) : undefined;
  if (mustRespond && !agent) return bootInstead(guests, entry, warm, options);
  note?.(`the guest resumed with the memory of template ${warm.template.id}`);
  note?.(
    agent
      ? await freshen(agent, identity)
      : 'its host name, machine-id and SSH host keys are those of the template',
  );
  const problem = await correctClock(entry, watch, at);
  if (problem !== undefined) note?.(problem);
};
