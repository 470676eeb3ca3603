import type { Readable } from 'node:stream';
import { errorMessage, invalid } from '../../errors.js';
import { type Guest, isContainer } from '../../model/guest.js';
import { type ImportWishes, identityNotes, importedGuest } from '../../model/imported-guest.js';
import { AGENT_RUNNER } from '../../model/job.js';
import {
  type DiscardRequest,
  type ImportChange,
  type ImportRequest,
  type ImportResponse,
  importResponseSchema,
} from '../../rpc/protocol/import-messages.js';
import { dryGuestExchange } from '../guests/guest-exchange.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { checkPipeline } from '../pipeline/check.js';
import { requireUploadShape } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';
import { requireFree, submitCreate } from './submit-create.js';

/** A guest to import. */
export interface GuestImport extends ImportWishes {
  /** The id of the guest, unless it keeps its own. */
  id: string;
  bytes: Readable;
  /** Completes and checks the guest, as that of a create. */
  complete: (guest: Guest) => Guest;
}

const upload = async (
  runtime: Runtime,
  { id, identity = 'new', bytes }: GuestImport,
  signal: AbortSignal,
): Promise<ImportResponse> => {
  const request: ImportRequest = { guest: id, identity };
  const action = runtime.action('receiveGuest');
  const { result } = await runtime.upload(AGENT_RUNNER, action, { request, bytes }, signal);
  return requireUploadShape(importResponseSchema, action, result);
};

/** Removes the disks of a guest that cannot be created. The storage removes them after a while when this fails. */
const discard = async (runtime: Runtime, request: DiscardRequest): Promise<void> => {
  try {
    await runtime.query(AGENT_RUNNER, runtime.action('discardImport'), { request: () => request });
  } catch (error) {
    runtime.log.warn({ guest: request.guest }, `imported disks not removed yet: ${errorMessage(error)}`);
  }
};

/**
 * Sends the file of an exported guest to the storage, which creates its disks, and queues the creation of the guest.
 * @throws {AgentError} as `submitCreate`; the storage's refusal for a file that is damaged or no exported guest
 */
export const submitImport = async (
  runtime: Runtime,
  wanted: GuestImport,
  signal: AbortSignal,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  // What can be refused now must not wait for the upload.
  if (wanted.name !== undefined) runtime.identities.check({ id: wanted.id, metadata: { name: wanted.name } });
  const { guest: described, token, notes } = await upload(runtime, wanted, signal);
  try {
    if (isContainer(described)) throw invalid('the file has a container, not a virtual machine');
    const guest = wanted.complete(importedGuest(described, wanted));
    const imported: ImportChange = { token, notes: [...notes, ...identityNotes(described, wanted)] };
    const change = { ...imported };
    const action = runtime.action('importGuest');
    requireFree(runtime, guest.id);
    // What this host lacks, such as the type of the machine, leaves no guest behind.
    await checkPipeline(action, dryGuestExchange(action, guest, change));
    return await submitCreate(runtime, guest, { ...options, name: 'importGuest', change });
  } catch (error) {
    await discard(runtime, { guest: described.id, token });
    throw error;
  }
};
