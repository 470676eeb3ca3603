import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { openImage } from '../../lib/runtime/actions/upload-actions.js';
import { downloaded } from '../replies.js';
import type { ImageParams } from './get.js';

/** Reads a Range header that asks for the rest of the file; any other gets the whole file, as RFC 9110 permits. */
const startOf = (range = ''): number => Number(/^bytes=(\d{1,15})-$/.exec(range)?.[1] ?? 0);

/** Passes the bytes of an image's file through as they arrive, from the byte that the client wants. */
export const downloadImage = async (
  { params, signal, range }: Event<ImageParams>,
  { runtime }: Context,
): Promise<Reply<Readable>> => {
  const from = startOf(range);
  const opened = await openImage(runtime, { id: params.imageID, from }, signal);
  const reply = downloaded(opened);
  const { length } = opened.result;
  const headers = { ...reply.headers, 'Accept-Ranges': 'bytes' };
  if (from === 0 || length === undefined) return { ...reply, headers };
  const total = from + length;
  return {
    ...reply,
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${from}-${total - 1}/${total}` },
  };
};
