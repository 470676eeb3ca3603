import type { Guest, MistifyClient, Volume } from '../../client/index.js';
import { followJob } from '../follow.js';
import type { Session } from '../session.js';
import { PROJECT_KEY, PROJECT_LABEL, SERVICE_KEY } from './pod.js';

/** Finds the guests of a project, by the names of their services. */
export const guestsOf = async (client: MistifyClient, project: string): Promise<Map<string, Guest>> => {
  const guests = new Map<string, Guest>();
  for await (const guest of client.guests.every({ limit: 1000 })) {
    const { [PROJECT_KEY]: of, [SERVICE_KEY]: service } = guest.metadata ?? {};
    if (of === project && service !== undefined) guests.set(service, guest);
  }
  return guests;
};

/** Whether a volume was made for a project, or for the images of its guests. */
export const isVolumeOf = (
  { labels, guest }: Volume,
  project: string,
  guests: ReadonlyMap<string, Guest>,
): boolean => labels?.[PROJECT_LABEL] === project || [...guests.values()].some(({ id }) => id === guest);

/** Shuts a guest down if it runs, and deletes it. */
export const removeGuest = async (session: Session, { id, state }: Guest, title: string): Promise<void> => {
  const { client } = session;
  if (state === 'running') {
    const { jobId } = await client.guests.perform(id, 'shutdown');
    await followJob(session, jobId, `shut down ${title}`);
  }
  const { jobId } = await client.guests.delete(id);
  await followJob(session, jobId, `delete ${title}`);
};
