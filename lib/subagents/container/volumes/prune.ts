import type { Volume } from '../../../model/volume.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { VolumeResponse } from '../../../rpc/protocol/volume-messages.js';
import { toVolume } from './format.js';
import type { VolumeStore } from './store.js';

/**
 * Lists the volumes that this sub-agent made, that no container has mounted, of guests or not, and that nothing fills or deletes
 * now. Those of an agent that is gone stay: its state may only be out of sight.
 */
export const unusedVolumes = async (store: VolumeStore): Promise<Volume[]> => {
  const volumes = await store.list();
  // Read later, so that a container made meanwhile keeps its volumes.
  const users = await store.users();
  return volumes
    .filter((volume) => store.hasMade(volume) && !users.has(volume.Name))
    .map((volume) => toVolume(volume))
    .filter(({ name }) => !store.isBusy(name));
};

/**
 * Deletes volumes with their files, one by one.
 * @param names those that may be deleted; the ones that are in use by now stay
 */
export const pruneVolumes = async (
  store: VolumeStore,
  names: readonly string[],
  signal: AbortSignal,
): Promise<VolumeResponse> => {
  const volumes: Volume[] = [];
  const wanted = (await unusedVolumes(store)).filter(({ name }) => names.includes(name));
  for (const volume of wanted) {
    signal.throwIfAborted();
    try {
      await store.exclusively([volume.name], () => store.remove(volume.name));
      volumes.push(volume);
    } catch (error) {
      // A container has come to use it.
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return { volumes, message: `deleted ${volumes.length} volumes` };
};
