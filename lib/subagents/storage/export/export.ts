import { addAbortSignal, finished, Readable } from 'node:stream';
import { firstBytes } from '../../../async/first-bytes.js';
import { errorMessage } from '../../../errors.js';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { ExportRequest } from '../../../rpc/protocol/export-messages.js';
import type { Method } from '../../../rpc/server/rpc-route.js';
import { packZstd } from '../../shared/download/compression.js';
import type { SnapshotDeps } from '../snapshots/deps.js';
import { packArchive, plainSums } from './archive.js';
import { exportEntries } from './entries.js';
import type { Moment, Moments } from './moments.js';

export interface ExportDeps {
  snapshots: SnapshotDeps;
  moments: Moments;
}

/** Ends the readers of a moment with its stream, and then the moment. */
const endWith = (bytes: Readable, done: Promise<void>, moment: Moment, ended: AbortController): void => {
  finished(bytes, async () => {
    ended.abort(new Error('the export has ended'));
    await done;
    await moment.close();
  });
};

/**
 * Streams a guest as a compressed tar archive, at constant memory. A running guest is captured by a snapshot, which is
 * removed when the stream ends, however it ends. A stream that breaks off lacks its end.
 */
export const exportGuest =
  ({ snapshots: { store, log }, moments }: ExportDeps): Method<ExportRequest, ByteStream> =>
  async (request, { signal }) => {
    const guest = request.guest.id;
    const moment = await moments.take(guest);
    const ended = new AbortController();
    const { archive, done } = packArchive(exportEntries(store, request, moment, ended.signal), plainSums());
    const packed = packZstd()(archive);
    const bytes = Readable.from(packed, { objectMode: false, highWaterMark: STREAM_BUFFER_BYTES });
    endWith(bytes, done, moment, ended);
    bytes.once('error', (error) => log.warn({ guest }, `export broke off: ${errorMessage(error)}`));
    return { bytes: await firstBytes(addAbortSignal(signal, bytes)) };
  };
