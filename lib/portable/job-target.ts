import { AGENT_RUNNER, type Job } from '../model/job.js';
import { shortId } from './format.js';

type Target = Pick<Job, 'GuestID'> &
  Partial<Pick<Job, 'GuestName' | 'ImageID' | 'VolumeID' | 'SnapshotName'>>;

/** Names what a job that concerns no guest is about; `undefined` for a job of a guest. */
export const otherTarget = ({ GuestID, ImageID, VolumeID }: Target): string | undefined =>
  GuestID === AGENT_RUNNER ? (ImageID ?? VolumeID ?? GuestID) : undefined;

/** Names what a job is about: its guest, by the name that it had, its image or its volume. */
export const jobTarget = (job: Target): string => otherTarget(job) ?? job.GuestName ?? shortId(job.GuestID);

/** Says what a guest's job does it with: the image that the guest is made from, or the snapshot; empty for neither. */
export const jobObject = (job: Target): string => {
  if (job.SnapshotName !== undefined) return `snapshot ${job.SnapshotName}`;
  return job.ImageID !== undefined && otherTarget(job) === undefined ? `image ${job.ImageID}` : '';
};
