import type { CloneOrigin } from '../../../model/clone.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { requireMachine } from '../guests/machines.js';
import type { Definition } from '../machine/definition.js';
import type { MachineIdentity } from '../machine/identity.js';
import { nicDeviceId, nicEntries } from '../machine/nic-numbers.js';
import { freePort, withPort } from '../machine/places.js';

/** Puts all NICs of a new guest on root ports; `undefined` when it has more NICs than ports. */
const withNicsOnPorts = (machine: MachineIdentity, { nics }: Definition): MachineIdentity | undefined => {
  const entries = nicEntries(nics, machine.nics);
  let placed: MachineIdentity = { ...machine, nics: entries };
  for (const { number } of Object.values(entries)) {
    const port = freePort(placed);
    if (port === undefined) return undefined;
    placed = withPort(placed, nicDeviceId(number), port);
  }
  return placed;
};

/**
 * Lets the first start of a new clone resume with the memory of its template, if the template has not run since the clone
 * was asked for: then the clone's disks are those that the memory belongs to.
 * @returns a note for the user when it will boot instead
 */
export const resumeFirst = (
  guests: Guests,
  entry: Entry,
  { source, warm }: Pick<CloneOrigin, 'source' | 'warm'>,
): Promise<string | undefined> =>
  guests.exclusively(entry.id, async () => {
    if (warm === undefined || entry.watch) return undefined;
    if (guests.find(source)?.record.warm?.id !== warm)
      return 'the template was warmed again or cooled meanwhile: the clone will boot';
    const machine = withNicsOnPorts(requireMachine(entry), entry.record.definition);
    if (!machine)
      return 'it has too many NICs to resume with the memory of the template: the clone will boot';
    await entry.update({ machine, warmFrom: { template: source, warm } });
    return undefined;
  });
