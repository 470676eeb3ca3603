import { ok } from '../replies.js';
import type { Reply } from '../types.js';

/** @param describe makes the OpenAPI document, which is made once */
export const openApiHandler = (describe: () => object) => {
  let document: object | undefined;
  const getOpenApi = async (): Promise<Reply<object>> => {
    document ??= describe();
    return ok(document);
  };
  return getOpenApi;
};
