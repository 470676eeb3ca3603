import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import type { ReceiveImageRequest } from '../../lib/rpc/protocol/upload-messages.js';
import type { AnyRequest, Script } from './scripted.js';

/** The disk images of a scripted sub-agent, and the uploads that it keeps like a real one. */
export class KeptUploads {
  /** The ids of its images. */
  readonly images: string[] = [];
  /** Where each piece began, in order. */
  readonly offsets: number[] = [];
  readonly #uploads = new Map<string, { size: number; bytes: Buffer }>();

  readonly methods: NonNullable<Script['methods']> = {
    'Test.listImages': () => ({ images: this.images.map((id) => ({ id, type: 'kvm', size: 8 })) }),
    'Test.getUpload': ({ id }) => ({ upload: this.#describe(id) }),
  };

  readonly receive = async (request: AnyRequest, bytes: Readable): Promise<object> => {
    const { id, offset, size } = request as unknown as ReceiveImageRequest;
    const before = this.#uploads.get(id)?.bytes ?? Buffer.alloc(0);
    this.offsets.push(offset);
    this.begin(id, size, Buffer.concat([before.subarray(0, offset), await buffer(bytes)]));
    return { upload: this.#describe(id) };
  };

  /** Has received the first bytes of a file. */
  begin(id: string, size: number, bytes: Buffer): void {
    this.#uploads.set(id, { size, bytes });
  }

  /** Returns what was received of a file. */
  bytesOf(id: string): Buffer | undefined {
    return this.#uploads.get(id)?.bytes;
  }

  #describe(id: string): object {
    const found = this.#uploads.get(id);
    if (!found) throw new Refusal('not_found', `upload of image ${id}: not found`);
    return { id, size: found.size, received: found.bytes.length, expires: '2026-02-01T12:00:00.000Z' };
  }
}
