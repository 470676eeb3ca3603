import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { hasSeed } from '../checkpoint/hardware.js';
import { correctClock } from '../guests/clock.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { stopQemu } from '../guests/power.js';
import type { StartOptions } from '../guests/power-options.js';
import { announceSizes } from '../saved-memory/announce-sizes.js';
import { agentOfResumed, freshen, type Identity } from './freshen.js';
import type { Resumption } from './record.js';

/** Boots a guest that has resumed, but does not respond. */
const bootInstead = async (
  guests: Guests,
  entry: Entry,
  resumption: Resumption,
  options: StartOptions,
): Promise<void> => {
  await stopQemu(entry);
  await guests.warmStarts.failed(entry, resumption, new Error('its guest agent did not respond'), options);
  await guests.start(entry, options);
};

const isUnsettled = ({ record: { resumption } }: Entry): boolean => resumption?.isSettled === false;

const identityOf = async (entry: Entry): Promise<Identity> => ({
  id: entry.id,
  hostname: entry.record.definition.metadata?.hostname ?? '',
  hasSeed: await hasSeed(entry),
});

/**
 * Completes the start of a guest that has resumed with the memory of its template: its clock, and, by its guest agent, its
 * identity. A guest whose agent does not respond, although the template's did, boots instead. Does nothing for a guest that
 * has booted, or whose start is complete.
 */
export const settleClone = async (guests: Guests, entry: Entry, options: StartOptions): Promise<void> => {
  const { watch } = entry;
  const { resumption } = entry.record;
  if (!watch || !resumption || resumption.isSettled) return;
  const { note } = options;
  const { template, at, mustRespond } = resumption;
  await announceSizes(entry, watch);
  const identity = await identityOf(entry);
  const agent = mustRespond ? await agentOfResumed(entry, watch) : undefined;
  if (mustRespond && !agent) return bootInstead(guests, entry, resumption, options);
  note?.(`the guest resumed with the memory of template ${template}`);
  note?.(
    agent
      ? await freshen(agent, identity)
      : 'its host name, machine-id and SSH host keys are those of the template',
  );
  const problem = await correctClock(entry, watch, at);
  if (problem !== undefined) note?.(problem);
  await entry.update({ resumption: { ...resumption, isSettled: true } });
};

/**
 * Completes the starts of clones that were under way when the last sub-agent was killed: such a clone may be halted, or run
 * with the identity of its template.
 */
export const completeResumes = (guests: Guests, log: Logger): void => {
  const complete = async (entry: Entry): Promise<void> => {
    const { watch } = entry;
    if (!watch || !isUnsettled(entry)) return;
    if (guests.lastState(entry).state === 'paused') await watch.execute('cont');
    const note = (message: string): void => {
      log.info({ guest: entry.id }, `start completed: ${message}`);
      entry.untold.push(message);
    };
    await settleClone(guests, entry, { note });
    await guests.state(entry);
  };
  for (const entry of guests.all().filter(isUnsettled))
    guests
      .exclusively(entry.id, () => complete(entry))
      .catch((error) => log.error({ err: error, guest: entry.id }, errorMessage(error)));
};
