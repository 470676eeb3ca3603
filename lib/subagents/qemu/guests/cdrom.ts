import type { Cdrom, CdromChange } from '../../../model/cd-drives.js';
import { cdromChangeSchema } from '../../../model/cdroms.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestRequest } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { readChange } from '../../shared/read-change.js';
import type { Definition } from '../machine/definition.js';
import { type DriveMedium, drivesOf, locateMedium, mediumNode } from '../machine/drives.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { changeMedium } from './media.js';

type Drives = Required<Pick<Definition, 'cdroms' | 'media'>>;

/** A change that was checked. */
interface Plan {
  change: CdromChange;
  before: Cdrom;
  after: Drives;
  medium?: DriveMedium;
}

/** @throws {Refusal} when the guest has no such drive, or the image is not there */
const plan = async (guests: Guests, entry: Entry, request: GuestRequest): Promise<Plan> => {
  const change = readChange(request, cdromChangeSchema);
  const { definition, machine } = entry.record;
  const drives = machine ? drivesOf(definition, machine) : [];
  const before = drives.find(({ device }) => device === change.device);
  if (!before)
    throw new Refusal(
      'invalid',
      drives.length > 0
        ? `guest ${entry.id} has no CD drive ${change.device}: it has ${drives.map(({ device }) => device).join(', ')}`
        : `guest ${entry.id} has no CD drive: upgrade its virtual hardware with "mistify guest upgrade-machine"`,
    );
  const { device, image } = change;
  const cdroms = drives.map((drive) => (drive.device === device ? { device, image } : drive));
  const known = [...(request.guest.media ?? []), ...(definition.media ?? [])];
  const media = [...new Set(cdroms.map((drive) => drive.image))].flatMap((id) =>
    known.filter((medium) => medium.image === id).slice(0, 1),
  );
  const after = { cdroms, media };
  if (image === '') return { change, before, after };
  const found = await locateMedium(image, after, guests.host.layout.diskDirs);
  const medium = { device, node: mediumNode(device, found.filename), image: found };
  return { change, before, after, medium };
};

/**
 * Returns a guest as a change of a CD drive would make it. Does not change the guest.
 * @throws {Refusal} as `changeCdrom`
 */
export const checkCdrom = async (
  guests: Guests,
  request: GuestRequest,
): Promise<Pick<Guest, 'id' | 'cdroms' | 'media'>> => {
  const entry = guests.get(request.guest.id);
  await guests.machines.adopt(entry);
  const { after } = await plan(guests, entry, request);
  return { id: entry.id, ...after };
};

const describe = ({ change: { device, image }, before }: Plan): string => {
  if (image === before.image)
    return image === '' ? `drive ${device} is empty already` : `${image} is in drive ${device} already`;
  const ejected = before.image === '' ? '' : `${before.image} was taken out of drive ${device}`;
  if (image === '') return ejected;
  return `${image} is in drive ${device}${ejected === '' ? '' : `, and ${before.image} was taken out`}`;
};

/**
 * Inserts an ISO image into a CD drive, in place of the present one, or ejects it. May be repeated.
 * @returns the guest, and what has changed in words
 * @throws {Refusal} `invalid` when the guest has no such drive, `conflict` when it keeps its drive closed
 */
export const changeCdrom = (
  guests: Guests,
  request: GuestRequest,
): Promise<{ entry: Entry; message: string }> =>
  guests.exclusively(request.guest.id, async () => {
    const entry = guests.get(request.guest.id);
    await guests.machines.adopt(entry);
    const watch = await guests.running(entry);
    const planned = await plan(guests, entry, request);
    const { change, after, medium } = planned;
    if (watch) await changeMedium(entry, watch, change.device, medium, change.force ?? false);
    await entry.update({ definition: { ...entry.record.definition, ...after } });
    return { entry, message: describe(planned) };
  });

/** A guest's drives in a response. */
export const drivesResponse = ({ record: { definition } }: Entry): Pick<Guest, 'cdroms' | 'media'> => ({
  cdroms: definition.cdroms ?? [],
  media: definition.media ?? [],
});
