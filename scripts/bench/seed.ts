import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guest } from '../../lib/model/guest.js';
import { type Job, NO_TIME } from '../../lib/model/job.js';
import type { LoggedJob } from '../../lib/store/logged-job.js';
import { Collection } from '../../lib/store/nedb/collection.js';

/** Makes a guest of common size, as the sub-agents leave it: some 300 bytes of JSON. */
export const someGuest = (): Guest => {
  const id = randomUUID();
  const volume = `guests/${id}/disk-0`;
  return {
    id,
    disks: [
      {
        bus: 'virtio',
        device: 'vda',
        size: 1024,
        volume,
        image: '',
        source: `/var/lib/mistify/storage/${volume}.qcow2`,
      },
    ],
    state: 'running',
    memory: 128,
    cpu: 1,
    vnc: 5900,
  };
};

const someJob = (guestId: string, action: string, status: Job['Status']): Job => {
  const now = new Date().toISOString();
  return {
    ID: randomUUID(),
    GuestID: guestId,
    Action: action,
    QueuedAt: now,
    StartedAt: status === 'Queued' ? NO_TIME : now,
    UpdatedAt: now,
    Status: status,
    Message: '',
  };
};

/** Makes an ended job that is kept for its idempotency key. */
export const keptJob = (guestId: string): LoggedJob => ({
  job: someJob(guestId, 'start', 'Complete'),
  task: { kind: 'guest', name: 'start' },
  stage: 0,
  request: { key: `local ${randomUUID()}`, fingerprint: 'f'.repeat(43), pending: '{}' },
});

export const waitingJob = (guestId: string, action: 'start' | 'reboot'): LoggedJob => ({
  job: someJob(guestId, action, 'Queued'),
  task: { kind: 'guest', name: action },
  stage: 0,
});

const writeDocuments = async (file: string, documents: readonly [string, unknown][]): Promise<void> => {
  const collection = await Collection.open<unknown>(file);
  await Promise.all(documents.map(([id, value]) => collection.put(id, value)));
  await collection.close();
};

/** Writes the state of an agent that has these guests and jobs. */
export const writeState = async (
  dbpath: string,
  guests: readonly Guest[],
  jobs: readonly LoggedJob[] = [],
): Promise<void> => {
  await mkdir(dbpath, { recursive: true, mode: 0o700 });
  await writeDocuments(
    join(dbpath, 'guests.db'),
    guests.map((guest) => [guest.id, guest]),
  );
  await writeDocuments(
    join(dbpath, 'jobs.db'),
    jobs.map((logged) => [logged.job.ID, logged]),
  );
};
