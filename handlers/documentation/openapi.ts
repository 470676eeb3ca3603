import type { Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

/** @param describe makes the OpenAPI document; called once, on the first request */
export const openApiHandler = (describe: () => Promise<object>) => {
  let document: Promise<object> | undefined;
  return async (): Promise<Reply<object>> => {
    document ??= describe();
    return ok(await document);
  };
};
