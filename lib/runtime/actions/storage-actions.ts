import { AGENT_RUNNER } from '../../model/job.js';
import type { StorageSpace } from '../../model/storage-space.js';
import {
  type StorageSpaceRequest,
  type StorageSpaceResponse,
  storageSpaceResponseSchema,
} from '../../rpc/protocol/space-messages.js';
import { requireShape } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';

const EMPTY: StorageSpace = { size: 0, free: 0, used: 0, leftovers: [] };

/**
 * Tells the quota how large the storage is, if it depends on that.
 * @throws {AgentError} when the sub-agent does not say
 */
export const updateStorageSize = async (runtime: Runtime): Promise<void> => {
  if (!runtime.quota.needsStorageSize) return;
  const { result } = await queryStorageSpace(runtime, { leftovers: false });
  runtime.quota.setStorageSize(result.size);
};

/**
 * Returns the space of the storage.
 * @param request `leftovers` is false for callers that do not need them, because to find them takes longer
 * @throws {AgentError} `not_found` when the config lacks the action
 */
export const queryStorageSpace = async (
  runtime: Runtime,
  request: StorageSpaceRequest,
  signal?: AbortSignal,
): Promise<ActionResult<StorageSpace>> => {
  const { pipelineId, result } = await runtime.query<StorageSpaceRequest, StorageSpaceResponse>(
    AGENT_RUNNER,
    runtime.action('storageSpace'),
    { request: () => request, onResponse: requireShape(storageSpaceResponseSchema) },
    signal,
  );
  return { pipelineId, result: { ...EMPTY, ...result } };
};
