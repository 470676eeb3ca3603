import { listDatasets, zfs, zfsWhenFree } from './command.js';
import { type DiskKind, fileKind, volumeKind } from './kinds.js';
import type { Layout, Section } from './layout.js';
import type { WorkArea } from './work-area.js';

const KIND_PROPERTY = 'mistify:disks';
const PROBE_BYTES = 8 * 2 ** 20;

/** Finds a dataset, or makes it, and has it mounted. */
const openSection = async (dataset: string): Promise<Section> => {
  const find = (): Promise<string[][]> => listDatasets(['mounted', 'mountpoint'], dataset);
  if ((await find()).length === 0) await zfsWhenFree('create', dataset);
  const [[mounted, mountpoint = ''] = []] = await find();
  if (!mountpoint.startsWith('/'))
    throw new Error(
      `${dataset} has the mountpoint ${mountpoint}: give it a directory: zfs set mountpoint=DIRECTORY ${dataset}`,
    );
  if (mounted === 'no') await zfs('mount', dataset);
  return { dataset, mountpoint };
};

/**
 * Makes the datasets that everything is kept in.
 * @param root a pool, or a dataset of one, that is there
 */
export const openLayout = async (root: string): Promise<Layout> => {
  if ((await listDatasets(['name'], root)).length === 0)
    throw new Error(
      `there is no ZFS pool or dataset ${root}: create or import it, or name another with --pool`,
    );
  return {
    root,
    images: await openSection(`${root}/images`),
    guests: await openSection(`${root}/guests`),
    work: await openSection(`${root}/tmp`),
  };
};

const canHaveVolumes = async (work: WorkArea, volumes: DiskKind): Promise<boolean> => {
  const probe = work.claim('probe');
  try {
    await volumes.create(probe, PROBE_BYTES, []);
    return true;
  } catch {
    return false;
  } finally {
    await work.discard(probe);
  }
};

/**
 * What disks are to be made of, found out once for a store: an image in a file makes no volume.
 * @param devices where the kernel shows volumes
 */
export const chooseKind = async (layout: Layout, work: WorkArea, devices: string): Promise<DiskKind> => {
  const volumes = volumeKind(devices);
  const [[chosen] = []] = await listDatasets([KIND_PROPERTY], layout.root);
  if (chosen === 'volumes') return volumes;
  if (chosen === 'files') return fileKind(layout);
  const hasVolumes = await canHaveVolumes(work, volumes);
  await zfs('set', `${KIND_PROPERTY}=${hasVolumes ? 'volumes' : 'files'}`, layout.root);
  return hasVolumes ? volumes : fileKind(layout);
};
