import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import axios from 'axios';
import getPort from 'get-port';
import type { Request } from './load.js';
import { builtProgram, type Running, startProgram, withDirectory } from './processes.js';

/** A request and its response. */
export interface BareResponse extends Omit<Request, 'body'> {
  body: string;
}

/** Fetches a server's response to a request. */
export const responseOf = async (
  url: string,
  { method, path, body, status }: Request,
): Promise<BareResponse> => {
  const { data } = await axios.request<string>({
    url: `${url}${path}`,
    method,
    data: body,
    responseType: 'text',
    transformResponse: (text: string) => text,
    proxy: false,
  });
  return { method, path, status, body: data };
};

/** Starts a bare `node:http` server that sends these responses. */
export const startBare = (responses: readonly BareResponse[]): Promise<Running> =>
  withDirectory(async (directory) => {
    const port = await getPort();
    const file = join(directory, 'responses.json');
    await writeFile(file, JSON.stringify(responses));
    return startProgram([builtProgram('scripts/bench/bare-http.js'), String(port), file], port);
  });
