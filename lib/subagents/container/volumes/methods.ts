import { toMb } from '../../../model/units.js';
import type { Volume } from '../../../model/volume.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import {
  type VolumeRequest,
  type VolumeResponse,
  volumeRequestSchema,
} from '../../../rpc/protocol/volume-messages.js';
import { type CallContext, isRepeated } from '../../../rpc/server/call-context.js';
import type { SubAgent } from '../../../rpc/server/sub-agent.js';
import { notFound } from '../../shared/errors.js';
import { openVolume, receiveVolume } from './archive.js';
import { diskUse } from './disk-use.js';
import { toVolume } from './format.js';
import { pruneVolumes, unusedVolumes } from './prune.js';
import type { EngineVolume, VolumeStore } from './store.js';

type VolumeMethod = (request: VolumeRequest, call: CallContext) => Promise<VolumeResponse>;

const withUse = async (
  volume: Volume,
  { Mountpoint }: EngineVolume,
  signal: AbortSignal,
): Promise<Volume> => {
  const bytes = Mountpoint ? await diskUse(Mountpoint, signal) : undefined;
  return bytes === undefined ? volume : { ...volume, used: toMb(bytes) };
};

const get = async (store: VolumeStore, name: string): Promise<[EngineVolume, Volume]> => {
  const found = await store.find(name);
  if (!found) throw notFound(`volume ${name}`);
  return [found, toVolume(found, (await store.users()).get(found.Name))];
};

/** @throws {Refusal} `not_found` without the volume, `conflict` while guests have it mounted */
const requireUnused = async (store: VolumeStore, name: string): Promise<Volume> => {
  const [, volume] = await get(store, name);
  if (volume.guests.length > 0)
    throw new Refusal(
      'conflict',
      `volume ${name} is in use: delete these guests first: ${volume.guests.join(', ')}`,
    );
  return volume;
};

/** The volume methods of `MDocker`. */
export const volumeMethods = (store: VolumeStore): Record<string, VolumeMethod> => ({
  ListVolumes: async () => {
    const [volumes, users] = await Promise.all([store.list(), store.users()]);
    return { volumes: volumes.map((volume) => toVolume(volume, users.get(volume.Name))) };
  },

  GetVolume: async ({ name }, { signal }) => {
    const [found, volume] = await get(store, name);
    return { volumes: [await withUse(volume, found, signal)] };
  },

  CheckCreateVolume: async ({ name }) => {
    await store.requireFree(name);
    return { volumes: [] };
  },

  CreateVolume: (request, call) =>
    store.exclusively([request.name], async () => {
      const made = isRepeated(call) ? await store.find(request.name) : undefined;
      if (!made) await store.requireFree(request.name);
      return { volumes: [toVolume(made ?? (await store.make(request)))] };
    }),

  UnusedVolumes: async () => ({ volumes: await unusedVolumes(store) }),

  PruneVolumes: ({ names = [] }, { signal }) => pruneVolumes(store, names, signal),

  CheckDeleteVolume: async ({ name }) => ({ volumes: [await requireUnused(store, name)] }),

  DeleteVolume: ({ name }, call) =>
    store.exclusively([name], async () => {
      if (isRepeated(call) && !(await store.find(name))) return { volumes: [] };
      const volume = await requireUnused(store, name);
      await store.remove(name);
      return { volumes: [volume] };
    }),
});

/** Registers what sends and takes the files of volumes. */
export const addVolumeTransfers = (subAgent: SubAgent, store: VolumeStore): void => {
  subAgent
    .stream('/volumes/download', volumeRequestSchema, ({ name }) => openVolume(store, name))
    .upload('/volumes/upload', volumeRequestSchema, async (request, bytes) => ({
      volumes: [toVolume(await receiveVolume(store, request, bytes))],
    }));
};
