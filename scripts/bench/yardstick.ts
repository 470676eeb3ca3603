import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import axios from 'axios';
import getPort from 'get-port';
import type { Request } from './load.js';
import { builtProgram, type Running, startProgram, withDirectory } from './processes.js';

/** A request, and what is answered to it. */
export interface Answer extends Omit<Request, 'body'> {
  body: string;
}

/** What a server answers now. */
export const answerOf = async (url: string, { method, path, body, status }: Request): Promise<Answer> => {
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

/** Starts a bare `node:http` server that gives these answers. */
export const startBare = (answers: readonly Answer[]): Promise<Running> =>
  withDirectory(async (directory) => {
    const port = await getPort();
    const file = join(directory, 'answers.json');
    await writeFile(file, JSON.stringify(answers));
    return startProgram([builtProgram('scripts/bench/bare-http.js'), String(port), file], port);
  });
