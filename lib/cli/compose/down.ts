import { followJob } from '../follow.js';
import type { Session } from '../session.js';
import { guestsOf, isVolumeOf, removeGuest } from './existing.js';

/** Shuts down and deletes the guests of a project, the last one made first; its volumes only if they are to go, too. */
export const down = async (
  session: Session,
  project: string,
  { volumes = false }: { volumes?: boolean },
): Promise<void> => {
  const { client, out } = session;
  const guests = await guestsOf(client, project);
  for (const [service, guest] of [...guests].reverse()) {
    await removeGuest(session, guest, `${project}-${service}`);
    out.line(`${service}: deleted`);
  }
  if (guests.size === 0) out.note(`project ${project} has no guests`);
  if (!volumes) return;
  for (const volume of (await client.volumes.list()).items) {
    if (!isVolumeOf(volume, project, guests)) continue;
    const { jobId } = await client.volumes.delete(volume.name);
    await followJob(session, jobId, `delete volume ${volume.name}`);
    out.line(`volume ${volume.name}: deleted`);
  }
};
