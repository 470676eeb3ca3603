import type { Readable } from 'node:stream';
import type { DataMap } from '../../shared/disk/data-map.js';
import { mapDisk } from '../nbd/map.js';
import { type NbdSource, streamDisk } from '../nbd/stream.js';
import { imageFile } from '../qemu-img.js';
import type { ImageFile } from '../stored.js';

const nbdSource = ({ path, format }: ImageFile): NbdSource => ({
  serve: [format === 'raw' ? imageFile('raw', path) : imageFile('qcow2', path, { backing: null })],
  ...{ files: [], gid: undefined },
});

/** Streams the raw bytes of an image's disk: see `streamDisk`. */
export const streamImage = (file: ImageFile, signal: AbortSignal): Promise<Readable> =>
  streamDisk(nbdSource(file), signal);

/**
 * Finds out which parts of an image's disk have data.
 * @param size bytes of the disk
 */
export const mapImage = (file: ImageFile, size: number, signal: AbortSignal): Promise<DataMap> =>
  mapDisk(nbdSource(file), size, signal);
