import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Accepted, type Job, MistifyError } from '../../../lib/client/index.js';
import { isFinished } from '../../../lib/model/job.js';
import type { World } from './world.js';

/** How long an accepted action may take once the faults are over. */
export const JOB_MS = 150_000;
const POLL_MS = 100;

/** What the agent has responded with, after that many attempts. */
export interface Answer<Body> {
  attempts: number;
  accepted?: Accepted<Body>;
  refused?: MistifyError;
}

/**
 * Sends a request until the agent has responded, with a key that lets it be performed once.
 * @returns neither `accepted` nor `refused` when the agent has not responded in time
 */
export const sendUntilAnswered = async <Body>(
  send: (key: string) => Promise<Accepted<Body>>,
): Promise<Answer<Body>> => {
  const key = randomUUID();
  const giveUpAt = Date.now() + JOB_MS;
  for (let attempts = 1; ; attempts += 1) {
    try {
      return { attempts, accepted: await send(key) };
    } catch (error) {
      if (!(error instanceof MistifyError)) throw error;
      if (![0, 429, 503].includes(error.status)) return { attempts, refused: error };
      if (Date.now() > giveUpAt) return { attempts };
      await delay(POLL_MS);
    }
  }
};

/** Waits until a job has ended. Returns `missing` when the agent does not know it, and nothing when time is up. */
export const untilEnded = async ({ client }: World, id: string): Promise<Job | 'missing' | undefined> => {
  const giveUpAt = Date.now() + JOB_MS;
  while (Date.now() < giveUpAt) {
    try {
      const job = await client.jobs.get(id);
      if (isFinished(job)) return job;
    } catch (error) {
      if (error instanceof MistifyError && error.status === 404) return 'missing';
    }
    await delay(POLL_MS);
  }
  return undefined;
};
