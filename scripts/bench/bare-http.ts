import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Answer } from './yardstick.js';

/**
 * The yardstick: the least that Node.js can do for the same answers. Run as a program of its own:
 * `node bare-http.js PORT FILE`, the file a JSON array of answers.
 */
const [port, file] = process.argv.slice(2);
const answers = JSON.parse(await readFile(String(file), 'utf8')) as Answer[];
const byRequest = new Map(answers.map((answer) => [`${answer.method} ${answer.path}`, answer]));

createServer((request, response) => {
  const answer = byRequest.get(`${request.method} ${request.url}`);
  const { status, body } = answer ?? { status: 404, body: '' };
  // As any server must, it reads what it is sent.
  request.resume().on('end', () => {
    response.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  });
}).listen(Number(port), '127.0.0.1');
