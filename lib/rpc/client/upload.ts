import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import { badResponse } from '../../errors.js';
import { authorization, type ServiceEndpoint } from '../protocol/service-address.js';
import { UPLOAD_REQUEST } from '../protocol/upload.js';

export interface Upload {
  endpoint: ServiceEndpoint;
  path: string;
  request: unknown;
  bytes: Readable;
  signal: AbortSignal;
}

/** Posts bytes as they arrive, with their request in the query. */
export const postUpload = (
  connections: Pool,
  { endpoint, path, request, bytes, signal }: Upload,
): Promise<Dispatcher.ResponseData> =>
  connections.request({
    ...{ method: 'POST', path, query: { [UPLOAD_REQUEST]: JSON.stringify(request) } },
    headers: { ...authorization(endpoint), 'Content-Type': 'application/octet-stream' },
    ...{ body: bytes, signal },
  });

/** @throws {AgentError} `bad_answer` for a result that is no JSON object */
export const parseUploadResult = (service: string, text: string): object => {
  try {
    const result: unknown = JSON.parse(text);
    if (typeof result === 'object' && result !== null && !Array.isArray(result)) return result;
  } catch {
    // The same answer as to JSON of another type.
  }
  throw badResponse(service, 'the response to an upload is not a JSON object');
};
