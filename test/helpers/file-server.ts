import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import { serveHttp } from './storage.js';

export interface FileServerOptions {
  /** The number of body bytes after which each response breaks off; responses beyond the list are complete. */
  breakAt?: number[];
  /** Whether the server supports ranges. */
  ranges?: boolean;
  /** The file's ETag at each request; requests beyond the list get the last one. */
  etags?: string[];
  headers?: Record<string, string>;
  /** Whether responses have a Content-Length. */
  length?: boolean;
}

export interface FileServer {
  url: string;
  /** The requests so far. */
  requests: { url: string; headers: IncomingHttpHeaders }[];
}

/** Returns the first byte to send if only a range is due: `Range` with a matching `If-Range`. */
const firstByte = (headers: IncomingHttpHeaders, etag: string): number | undefined => {
  const [, first] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
  return first === undefined || headers['if-range'] !== etag ? undefined : Number(first);
};

const send = (response: ServerResponse, body: Buffer, breakAt: number | undefined): void => {
  if (breakAt === undefined) response.end(body);
  // Ended instead of destroyed, so that all written bytes arrive.
  else response.write(body.subarray(0, breakAt), () => response.socket?.end());
};

/** Serves a file over HTTP, with the requested faults, until the test ends. */
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
