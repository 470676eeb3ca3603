import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Volume } from '../../lib/model/volume.js';
import { queryVolumes } from '../../lib/runtime/actions/volume-actions.js';
import { pageOfAll } from '../pages.js';
import { actionResult } from '../replies.js';

export const listVolumes = async (
  { query, signal }: Event<unknown, ListQuery>,
  { runtime }: Context,
): Promise<Reply<Volume[]>> => pageOfAll(actionResult(await queryVolumes(runtime, signal)), query);
