import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import { serveHttp } from './storage.js';

export interface FileServerOptions {
  /** After how many bytes of its body each answer breaks off; those beyond the list are whole. */
  breakAt?: number[];
  /** Whether the rest of the file can be asked for. */
  ranges?: boolean;
  /** The file's ETag at each request; those beyond the list have the last one. */
  etags?: string[];
  headers?: Record<string, string>;
  /** Whether the length is told. */
  length?: boolean;
}

export interface FileServer {
  url: string;
  /** What was asked for so far. */
  requests: { url: string; headers: IncomingHttpHeaders }[];
}

/** The first byte that is asked for, when that part is sent alone: `Range` with an `If-Range` that still holds. */
const firstByte = (headers: IncomingHttpHeaders, etag: string): number | undefined => {
  const [, first] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
  return first === undefined || headers['if-range'] !== etag ? undefined : Number(first);
};

const send = (response: ServerResponse, body: Buffer, breakAt: number | undefined): void => {
  if (breakAt === undefined) response.end(body);
  // Ended and not destroyed, so that all that was sent arrives.
  else response.write(body.subarray(0, breakAt), () => response.socket?.end());
};

/** Serves a file over HTTP as unreliably as told, until the test ends. */
export const serveFile = async (
  t: ExecutionContext,
  bytes: Buffer,
  { breakAt = [], ranges = true, etags = ['"1"'], headers = {}, length = true }: FileServerOptions = {},
): Promise<FileServer> => {
  const requests: FileServer['requests'] = [];
  const listener: RequestListener = (request, response) => {
    const number = requests.push({ url: request.url ?? '', headers: request.headers }) - 1;
    const etag = etags[Math.min(number, etags.length - 1)] ?? '';
    const first = ranges ? firstByte(request.headers, etag) : undefined;
    const body = bytes.subarray(first ?? 0);
    response.writeHead(first === undefined ? 200 : 206, {
      ...(etag ? { etag } : {}),
      ...(length ? { 'content-length': body.length } : {}),
      ...(first === undefined
        ? {}
        : { 'content-range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` }),
      ...headers,
    });
    send(response, body, breakAt[number]);
  };
  return { url: await serveHttp(t, listener), requests };
};
