import { requireKnownFormat, STATE_FORMAT } from '../../../files/state-format.js';
import { listDatasets, zfs, zfsWhenFree } from './command.js';
import { type DiskKind, fileKind, volumeKind } from './kinds.js';
import type { Section, ZfsLayout } from './layout.js';
import type { WorkArea } from './work-area.js';

const KIND_PROPERTY = 'mistify:disks';
/** The property of a store's root that has the number of its format. */
const FORMAT_PROPERTY = 'mistify:format';
const PROBE_BYTES = 8 * 2 ** 20;

/** Finds or creates a dataset, and mounts it. */
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

/** Reads the number of a store's format, which is the root's own, and not inherited from another store around it. */
const readFormat = async (root: string): Promise<number | undefined> => {
  const output = await zfs('get', '-H', '-o', 'source,value', FORMAT_PROPERTY, root);
  const [source, value] = output.trim().split('\t');
  return source === 'local' ? Number(value) : undefined;
};

/**
 * Checks a store before anything is written.
 * @throws {AgentError} `conflict` when a newer version of the agent wrote it
 */
export const requireKnownStore = async (root: string): Promise<void> => {
  if ((await listDatasets(['name'], root)).length === 0) return;
  requireKnownFormat(`${root}, property ${FORMAT_PROPERTY},`, await readFormat(root));
};

/** Records the number of this version's format. */
const recordFormat = async (root: string): Promise<void> => {
  if ((await readFormat(root)) !== STATE_FORMAT) await zfs('set', `${FORMAT_PROPERTY}=${STATE_FORMAT}`, root);
};

/**
 * Finds or creates the datasets of a store.
 * @param root an existing pool, or a dataset in one
 */
export const openLayout = async (root: string): Promise<ZfsLayout> => {
  if ((await listDatasets(['name'], root)).length === 0)
    throw new Error(
      `ZFS pool or dataset ${root} does not exist: create or import it, or name another with --pool`,
    );
  await recordFormat(root);
  return {
    root,
    images: await openSection(`${root}/images`),
    guests: await openSection(`${root}/guests`),
    work: await openSection(`${root}/tmp`),
  };
};

const supportsVolumes = async (work: WorkArea, volumes: DiskKind): Promise<boolean> => {
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
 * Chooses how to store disks. The first start probes for volumes and records the choice in the pool, because a store
 * cannot mix both kinds.
 * @param devices the directory of the volumes' devices
 */
export const chooseKind = async (layout: ZfsLayout, work: WorkArea, devices: string): Promise<DiskKind> => {
  const volumes = volumeKind(devices);
  const [[chosen] = []] = await listDatasets([KIND_PROPERTY], layout.root);
  if (chosen === 'volumes') return volumes;
  if (chosen === 'files') return fileKind(layout);
  const hasVolumes = await supportsVolumes(work, volumes);
  await zfs('set', `${KIND_PROPERTY}=${hasVolumes ? 'volumes' : 'files'}`, layout.root);
  return hasVolumes ? volumes : fileKind(layout);
};
