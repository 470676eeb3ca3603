import { readFile } from 'node:fs/promises';
import * as Hapi from '@hapi/hapi';
import type { Measurement } from './measurements.js';

/**
 * The yardstick: hapi alone, answering the bytes that the agent answered. Run as a program of its own:
 * `node bare-hapi.js PORT FILE`, the file a JSON array of measurements with their answers.
 */
const [port, file] = process.argv.slice(2);
const measurements = JSON.parse(await readFile(String(file), 'utf8')) as (Measurement & { answer: string })[];

const server = Hapi.server({ host: '127.0.0.1', port: Number(port), debug: false });
for (const { method, path, status, answer } of measurements) {
  server.route({ method, path, handler: (_, h) => h.response(answer).type('application/json').code(status) });
}
await server.start();
