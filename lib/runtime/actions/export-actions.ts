import { invalid } from '../../errors.js';
import { type Guest, isContainer } from '../../model/guest.js';
import type { ExportFormat } from '../../model/guest-export.js';
import { portableGuest } from '../../model/portable-guest.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { ExportRequest } from '../../rpc/protocol/export-messages.js';
import type { ActionResult, Runtime } from '../runtime.js';

/** An export as its client gets it. */
export interface GuestExport extends ByteStream {
  /** What the file lacks, in words. */
  leftOut: string[];
}

/** What other hypervisors have no place for. */
const OVA_LACKS =
  'UEFI variables, the state of a TPM, metadata, addresses, and the buses of disks: it has a SATA controller and NICs of type E1000';

/**
 * Opens the export of a virtual machine.
 * @param guest as its client may see it
 * @throws {AgentError} `invalid` for a container
 */
export const openExport = async (
  runtime: Runtime,
  guest: Guest,
  format: ExportFormat,
  signal: AbortSignal,
): Promise<ActionResult<GuestExport>> => {
  if (isContainer(guest))
    throw invalid(`guest ${guest.id} is a container, which has no disks to export: save its image instead`);
  const { leftOut: left, ...portable } = portableGuest(guest);
  const leftOut = format === 'ova' ? [...left, OVA_LACKS] : left;
  const request: ExportRequest = { ...portable, format, leftOut };
  const { pipelineId, result } = await runtime.stream(
    guest.id,
    runtime.action('exportGuest'),
    request,
    signal,
  );
  return { pipelineId, result: { ...result, leftOut } };
};
