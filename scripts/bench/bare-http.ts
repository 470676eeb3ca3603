import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { BareResponse } from './yardstick.js';

/**
 * The yardstick: a minimal Node.js server that sends the same responses. It runs as a separate program:
 * `node bare-http.js PORT FILE`, where the file is a JSON array of responses.
 */
const [port, file] = process.argv.slice(2);
const responses = JSON.parse(await readFile(String(file), 'utf8')) as BareResponse[];
const byRequest = new Map(responses.map((response) => [`${response.method} ${response.path}`, response]));

createServer((request, response) => {
  const known = byRequest.get(`${request.method} ${request.url}`);
  const { status, body } = known ?? { status: 404, body: '' };
  // Every server must read the request's body.
  request.resume().on('end', () => {
    response.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  });
}).listen(Number(port), '127.0.0.1');
