import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addAbortSignal, finished, Readable } from 'node:stream';
import { firstBytes } from '../../../async/first-bytes.js';
import { errorMessage } from '../../../errors.js';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { ExportRequest } from '../../../rpc/protocol/export-messages.js';
import type { Method } from '../../../rpc/server/rpc-route.js';
import type { Claim, Space } from '../../shared/disk/space.js';
import { packZstd } from '../../shared/download/compression.js';
import type { SnapshotDeps } from '../snapshots/deps.js';
import { packArchive, plainSums } from './archive.js';
import { exportEntries } from './entries.js';
import type { Moment, Moments } from './moments.js';
import { ovaEntries, ovaName, ovaSums } from './ova.js';

export interface ExportDeps {
  snapshots: SnapshotDeps;
  moments: Moments;
  space: Space;
}

/** What an export in progress holds. */
interface Holdings {
  moment: Moment;
  /** Temporary files. */
  dir: string;
  claim: Claim;
  ended: AbortController;
}

const release = async ({ moment, dir, claim }: Holdings): Promise<void> => {
  claim.release();
  await rm(dir, { recursive: true, force: true });
  await moment.close();
};

/** The bytes of an export, and what they are packed from. */
interface Packing {
  bytes: Readable;
  archive: Readable;
  /** Settles once nothing is read for the archive any longer. */
  done: Promise<void>;
}

const open = (
  { snapshots: { store } }: ExportDeps,
  request: ExportRequest,
  { moment, dir, claim, ended }: Holdings,
): Packing => {
  const { signal } = ended;
  if (request.format === 'ova') {
    const entries = ovaEntries(store, request, { moment, dir, claim, signal });
    const { archive, done } = packArchive(entries, ovaSums(), `${ovaName(request.guest)}.mf`);
    return { bytes: archive, archive, done };
  }
  const { archive, done } = packArchive(exportEntries(store, request, moment, signal), plainSums());
  const packed = packZstd()(archive);
  const bytes = Readable.from(packed, { objectMode: false, highWaterMark: STREAM_BUFFER_BYTES });
  return { bytes, archive, done };
};

/**
 * Streams a guest as a tar archive, at constant memory: a compressed one of the agent's own, or an OVA. A running guest is
 * captured by a snapshot, which is removed when the stream ends, however it ends. A stream that breaks off lacks its end.
 */
export const exportGuest =
  (deps: ExportDeps): Method<ExportRequest, ByteStream> =>
  async (request, { signal }) => {
    const { snapshots, moments, space } = deps;
    const { store, log } = snapshots;
    const guest = request.guest.id;
    const dir = await mkdtemp(join(store.workDir, 'export-'));
    const moment = await moments.take(guest).catch(async (error: unknown) => {
      await rm(dir, { recursive: true, force: true });
      throw error;
    });
    const holdings = { moment, dir, claim: space.claim(), ended: new AbortController() };
    const { bytes, archive, done } = open(deps, request, holdings);
    finished(bytes, async (error) => {
      if (error) log.warn({ guest }, `export broke off: ${errorMessage(error)}`);
      holdings.ended.abort(new Error('the export has ended'));
      archive.destroy();
      await done;
      await release(holdings).catch((failure: unknown) =>
        log.warn({ guest }, `files of an export not removed: ${errorMessage(failure)}`),
      );
    });
    return { bytes: await firstBytes(addAbortSignal(signal, bytes)) };
  };
