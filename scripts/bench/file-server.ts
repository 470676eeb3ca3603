import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';

/** Serves the files of a directory as a separate program: `node file-server.js PORT DIRECTORY`. */
const [port, directory] = process.argv.slice(2);

createServer(async (request, response) => {
  const file = join(String(directory), basename(String(request.url)));
  const stats = await stat(file).catch(() => undefined);
  if (!stats?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Length': stats.size, 'Last-Modified': stats.mtime.toUTCString() });
  createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(response);
}).listen(Number(port), '127.0.0.1');
