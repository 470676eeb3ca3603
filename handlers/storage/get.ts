import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { StorageSpace } from '../../lib/model/storage-space.js';
import { queryStorageSpace } from '../../lib/runtime/actions/storage-actions.js';
import { actionResult } from '../replies.js';

/** Returns the space of the storage, and what deleted guests and images still take of it. */
export const getStorageSpace = async (
  { signal }: Event,
  { runtime }: Context,
): Promise<Reply<StorageSpace>> =>
  actionResult(await queryStorageSpace(runtime, { leftovers: true }, signal));
