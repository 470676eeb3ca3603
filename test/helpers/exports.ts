import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { Pool } from 'undici';
import type { LooseGuest } from '../../lib/model/guest.js';
import type { ExportFormat } from '../../lib/model/guest-export.js';
import type { ImportRequest, ImportResponse } from '../../lib/rpc/protocol/import-messages.js';
import type { TestStorage } from './storage.js';
import { GUEST_ID } from './sub-agents.js';
import { tempDir } from './temp.js';

/** Starts the export of a guest by its storage, and reads only the response's head. */
export const openExport = (
  { port }: Pick<TestStorage, 'port'>,
  guest: LooseGuest = {},
  format: ExportFormat = 'mistify',
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const body = { guest: { id: GUEST_ID, ...guest }, format, leftOut: [] };
    request({ port, path: '/guests/export', method: 'POST', headers, agent: false }, resolve)
      .on('error', reject)
      .end(JSON.stringify(body));
  });

/**
 * Exports a guest to a file.
 * @throws the storage's error
 */
export const exportTo = async (
  t: ExecutionContext,
  storage: Pick<TestStorage, 'port'>,
  guest?: LooseGuest,
  format?: ExportFormat,
): Promise<string> => {
  const response = await openExport(storage, guest, format);
  if (response.statusCode !== 200) throw new Error((await text(response)).trim());
  const file = join(await tempDir(t), 'guest.export');
  await pipeline(response, createWriteStream(file));
  return file;
};

/** Unpacks an archive, compressed or not, into a new directory. */
export const unpackTo = async (t: ExecutionContext, file: string): Promise<string> => {
  const dir = await tempDir(t);
  await execa('tar', ['-xaf', file, '-C', dir]);
  return dir;
};

export interface ImportAnswer {
  status: number;
  /** The message of an error. */
  message: string;
  /** Of a success. */
  result: ImportResponse;
}

/** Sends a file to a storage as an agent does. */
export const importFrom = async (
  { port }: Pick<TestStorage, 'port'>,
  file: string | Readable,
  request: Partial<ImportRequest> = {},
): Promise<ImportAnswer> => {
  const query = JSON.stringify({ guest: randomUUID(), identity: 'new', ...request });
  const client = new Pool(`http://127.0.0.1:${port}`);
  try {
    const { statusCode: status, body } = await client.request({
      ...{ method: 'POST', path: '/guests/import', query: { request: query } },
      body: typeof file === 'string' ? createReadStream(file) : file,
    });
    const answer = await body.text();
    const result = status === 200 ? (JSON.parse(answer) as ImportResponse) : ({} as ImportResponse);
    return { status, message: status === 200 ? '' : answer.trim(), result };
  } finally {
    await client.destroy();
  }
};
