import { diskNumber } from '../../../model/disks.js';
import { sizeOf } from '../../../model/guest-size.js';
import type { Entry } from '../guests/entry.js';
import { requireMachine } from '../guests/machines.js';
import { drivesOf } from '../machine/drives.js';
import { numberNics } from '../machine/nic-numbers.js';
import { fixPlaces } from '../machine/places.js';
import { findSeed } from '../machine/seed/disk.js';
import type { Hardware } from './hardware-changes.js';

/** Whether a guest has a cloud-init seed since its last start. */
export const hasSeed = async ({ paths }: Entry): Promise<boolean> => (await findSeed(paths)) !== undefined;

/** Returns the hardware that a guest has, without what waits for its next start. */
export const hardwareOf = async (entry: Entry): Promise<Hardware> => {
  const { definition } = entry.record;
  const { disks, nics } = definition;
  const found = fixPlaces(requireMachine(entry), disks);
  const {
    next: _,
    bootOrder: _order,
    generation: _generation,
    nics: entries,
    cdDrives: _drives,
    ...machine
  } = found;
  const numbers = numberNics(nics, entries);
  return {
    size: sizeOf(definition),
    disks: Object.fromEntries(disks.map((disk, index) => [diskNumber(disk, index), disk.bus])),
    nics: Object.fromEntries(
      nics.map(({ name = '', model = '', mac = '' }, n) => [name, `${numbers[n]} ${model} ${mac}`]),
    ),
    cdroms: Object.fromEntries(drivesOf(definition, found).map(({ device, image }) => [device, image])),
    hasSeed: await hasSeed(entry),
    machine,
  };
};
