import { GuestAgent } from '../../shared/guest-agent/client.js';
import { hasAgent } from '../../shared/guest-agent/port.js';
import type { Entry } from './entry.js';
import type { Watch } from './watch.js';

/** A running agent responds at once; one that the storage sub-agent talks to does not respond here. */
const SYNC_TIMEOUT_MS = 3000;

/** Connects to a guest's agent; `undefined` when none responds. The caller closes it. */
export const connectAgent = async (entry: Entry, watch: Watch): Promise<GuestAgent | undefined> => {
  try {
    if (!(await hasAgent(watch))) return undefined;
    return await GuestAgent.connect(entry.paths.guestAgent, SYNC_TIMEOUT_MS);
  } catch {
    return undefined;
  }
};
