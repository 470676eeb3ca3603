import type { Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

/** @param describe makes the OpenAPI document, which is made once */
export const openApiHandler = (describe: () => object) => {
  let document: object | undefined;
  const getOpenApi = async (): Promise<Reply<object>> => {
    document ??= describe();
    return ok(document);
  };
  return getOpenApi;
};
