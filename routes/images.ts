import { deleteContainerImage } from '../handlers/container-images/delete.js';
import { fetchContainerImage } from '../handlers/container-images/fetch.js';
import { getContainerImage } from '../handlers/container-images/get.js';
import { listContainerImages } from '../handlers/container-images/list.js';
import { deleteImage } from '../handlers/images/delete.js';
import { fetchImage } from '../handlers/images/fetch.js';
import { getImage } from '../handlers/images/get.js';
import { listImages } from '../handlers/images/list.js';
import { imageFetchSchema } from '../lib/model/image.js';
import { type Route, route } from '../lib/server/route.js';
import { containerImagesQuery, imageParams, imagesQuery, jobQuery, replies } from './schemas.js';

const list = { status: 200, description: 'Images', schema: replies.images } as const;
const one = { status: 200, description: 'The image', schema: replies.image } as const;
const fetching = {
  status: 202,
  description: 'The job that fetches it was queued',
  schema: replies.fetch,
} as const;
const deleting = {
  status: 202,
  description: 'The job that deletes it was queued',
  schema: replies.nothing,
} as const;
const payload = imageFetchSchema.required().prefs({ convert: false });

export const imageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/images',
    summary: 'Retrieve a list of images',
    tags: ['images'],
    query: imagesQuery,
    asks: 'sub-agent',
    reply: list,
    handler: listImages,
  }),
  route({
    method: 'POST',
    path: '/images',
    summary: 'Fetch an image',
    tags: ['images'],
    query: jobQuery,
    payload,
    reply: fetching,
    handler: fetchImage,
  }),
  route({
    method: 'GET',
    path: '/images/{imageID}',
    summary: 'Retrieve information about an image',
    tags: ['images'],
    params: imageParams,
    asks: 'sub-agent',
    reply: one,
    handler: getImage,
  }),
  route({
    method: 'DELETE',
    path: '/images/{imageID}',
    summary: 'Delete an image',
    tags: ['images'],
    query: jobQuery,
    params: imageParams,
    reply: deleting,
    handler: deleteImage,
  }),
  route({
    method: 'GET',
    path: '/container_images',
    summary: 'Retrieve a list of container images',
    tags: ['container images'],
    query: containerImagesQuery,
    asks: 'sub-agent',
    reply: list,
    handler: listContainerImages,
  }),
  route({
    method: 'POST',
    path: '/container_images',
    summary: 'Fetch a container image',
    tags: ['container images'],
    query: jobQuery,
    payload,
    reply: fetching,
    handler: fetchContainerImage,
  }),
  route({
    method: 'GET',
    path: '/container_images/{imageID}',
    summary: 'Retrieve information about a container image',
    tags: ['container images'],
    params: imageParams,
    asks: 'sub-agent',
    reply: one,
    handler: getContainerImage,
  }),
  route({
    method: 'DELETE',
    path: '/container_images/{imageID}',
    summary: 'Delete a container image',
    tags: ['container images'],
    query: jobQuery,
    params: imageParams,
    reply: deleting,
    handler: deleteContainerImage,
  }),
];
