import { type ContainerFiles, type ImageMount, namedVolumes } from '../../../model/container/mounts.js';
import type { VolumeStore, WantedVolume } from '../volumes/store.js';

/** The volumes that a container has mounted. */
export interface MountedVolumes {
  guest: string;
  files: ContainerFiles;
  imageMounts: ImageMount[];
}

const wantedBy = ({ guest, files, imageMounts }: MountedVolumes): WantedVolume[] => [
  ...namedVolumes(files).map((name) => ({ name })),
  ...imageMounts.map(({ volume, target }) => ({ name: volume, ofImage: { guest, target } })),
];

/**
 * Makes the volumes of a container that do not exist, and then the container. No volume is deleted meanwhile: the engine
 * would make it again, without its owner. When the container is not made, the new volumes are removed again.
 * @returns the names of the volumes that were made and named by the caller
 */
export const withVolumes = (
  store: VolumeStore,
  mounted: MountedVolumes,
  makeContainer: () => Promise<unknown>,
): Promise<string[]> => {
  const wanted = wantedBy(mounted);
  return store.exclusively(
    wanted.map(({ name }) => name),
    async () => {
      const made: WantedVolume[] = [];
      try {
        for (const volume of wanted) if (await store.ensure(volume)) made.push(volume);
        await makeContainer();
      } catch (error) {
        for (const { name } of made) await store.discard(name);
        throw error;
      }
      return made.flatMap(({ name, ofImage }) => (ofImage ? [] : [name]));
    },
  );
};
