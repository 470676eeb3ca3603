import type { Guest } from '../../model/guest.js';
import type { Job } from '../../model/job.js';
import { openNameOf } from '../../model/open-name.js';
import type { Task } from '../../store/logged-job.js';

/** Returns what a job records of its guest: the name, and of a new guest the image that it is made from. */
export const aboutGuest = (guest: Guest | undefined, task: Task): Pick<Job, 'GuestName' | 'ImageID'> => {
  if (!guest) return {};
  const name = openNameOf(guest);
  const image =
    task.kind === 'guest' && task.name === 'create' ? guest.image || guest.disks?.[0]?.image : undefined;
  return { ...(name ? { GuestName: name } : {}), ...(image ? { ImageID: image } : {}) };
};
