import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Volume } from '../../lib/model/volume.js';
import { queryVolumes } from '../../lib/runtime/actions/volume-actions.js';
import { pageOfAll } from '../pages.js';
import { actionResult } from '../replies.js';
import { volumeFilter } from '../rights.js';

export const listVolumes = async (
  event: Event<unknown, ListQuery>,
  context: Context,
): Promise<Reply<Volume[]>> => {
  const { body, ...reply } = actionResult(await queryVolumes(context.runtime, event.signal));
  const sees = volumeFilter(event, context);
  return pageOfAll({ ...reply, body: body.filter(sees) }, event.query);
};
