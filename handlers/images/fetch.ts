import type { Image, ImageFetch } from '../../lib/model/image.js';
import * as images from '../../lib/runtime/image-actions.js';
import { acceptedOrDone } from '../replies.js';
import type { Context, Event, Reply, WaitQuery } from '../types.js';

export const fetchImage = async (
  { payload, query }: Event<unknown, WaitQuery, ImageFetch>,
  { runtime }: Context,
): Promise<Reply<{ images: Image[] }>> => {
  const { job, done } = await images.fetchImage(runtime, payload);
  return acceptedOrDone(
    { job, done: done.then((fetched) => ({ images: fetched })) },
    { images: [] },
    query.wait,
  );
};
