import type { Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

/** @param describe makes the OpenAPI document; called once, on the first request */
export const openApiHandler = (describe: () => object) => {
  let document: object | undefined;
  return async (): Promise<Reply<object>> => {
    document ??= describe();
    return ok(document);
  };
};
