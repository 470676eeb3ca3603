import type { Image } from '../model/image.js';
import type { ImageUpload } from '../model/image-upload.js';
import { type DiskDownloadOptions, downloadDisk } from './disk-download.js';
import { type ImageUploadOptions, type UploadSource, uploadImage } from './image-upload.js';
import { Images, type ImagesFilter } from './images.js';
import { path } from './path.js';
import type { Accepted } from './submit.js';
import type { CallOptions, Download, Transport } from './transport.js';

/** The disk images, whose files can be sent and received. */
export class DiskImages extends Images<ImagesFilter> {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/images');
    this.#transport = transport;
  }

  /** Sends the file of an image in pieces. The job that is returned checks it and makes it an image. */
  upload(
    id: string,
    source: UploadSource,
    options: ImageUploadOptions = {},
  ): Promise<Accepted<{ images: Image[] }>> {
    return uploadImage(this.#transport, path`/images/${id}`, source, options);
  }

  /** Returns how much of an image's file is there. */
  getUpload(id: string, options?: CallOptions): Promise<ImageUpload> {
    return this.#transport.get(path`/images/${id}/upload`, {}, options);
  }

  /** Removes what is there of an image's file. */
  async deleteUpload(id: string, { signal }: CallOptions = {}): Promise<ImageUpload> {
    const request = { method: 'DELETE', path: path`/images/${id}/upload`, signal } as const;
    return (await this.#transport.send<ImageUpload>(request)).body;
  }

  /** Opens an image: by default its file, which is qcow2, or raw on a host with ZFS. */
  download(id: string, options?: DiskDownloadOptions): Promise<Download> {
    return downloadDisk(this.#transport, path`/images/${id}/download`, options);
  }
}
