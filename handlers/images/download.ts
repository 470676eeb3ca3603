import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { openImage } from '../../lib/runtime/actions/upload-actions.js';
import { type DiskDownloadQuery, diskDownloaded, diskWish } from '../disk-download.js';
import type { ImageParams } from './get.js';

/** Passes the file of an image through as it arrives, or its content in the format that the client wants. */
export const downloadImage = async (
  event: Event<ImageParams, DiskDownloadQuery>,
  { runtime }: Context,
): Promise<Reply<Readable>> => {
  const wish = diskWish(event);
  const opened = await openImage(runtime, { id: event.params.imageID, ...wish }, event.signal);
  return diskDownloaded(opened, wish);
};
