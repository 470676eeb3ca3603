import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileServer {
  url: string;
  close(): void;
}

/** Serves one file on a free loopback port, so that the agent fetches it as it would from any web server. */
export const serveFile = async (path: string): Promise<FileServer> => {
  const server = createServer((_, response) => {
    createReadStream(path)
      .on('error', (error) => response.destroy(error))
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/image.qcow2`,
    close: () => server.close(),
  };
};
