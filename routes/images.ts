import { deleteContainerImage } from '../handlers/container-images/delete.js';
import { downloadContainerImage } from '../handlers/container-images/download.js';
import { fetchContainerImage } from '../handlers/container-images/fetch.js';
import { getContainerImage } from '../handlers/container-images/get.js';
import { listContainerImages } from '../handlers/container-images/list.js';
import { pruneContainerImages } from '../handlers/container-images/prune.js';
import { deleteImage } from '../handlers/images/delete.js';
import { deleteUpload } from '../handlers/images/delete-upload.js';
import { downloadImage } from '../handlers/images/download.js';
import { fetchImage } from '../handlers/images/fetch.js';
import { getImage } from '../handlers/images/get.js';
import { getUpload } from '../handlers/images/get-upload.js';
import { listImages } from '../handlers/images/list.js';
import { uploadImage } from '../handlers/images/upload.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { imageParams } from './schemas/params.js';
import { imageFetchPayload } from './schemas/payloads.js';
import {
  containerImagesQuery,
  diskDownloadQuery,
  imagesQuery,
  jobQuery,
  uploadQuery,
} from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const list = { status: 200, description: 'Images', schema: replies.images } as const;
const one = { status: 200, description: 'The image', schema: replies.image } as const;
const fetching = {
  status: 202,
  description: 'The job that fetches the image was queued',
  schema: replies.fetch,
} as const;
const deleting = {
  status: 202,
  description: 'The job that deletes the image was queued',
  schema: replies.nothing,
} as const;

export const imageRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/images',
    operationId: 'listImages',
    summary: 'List images',
    can: 'look',
    over: 'some',
    tags: ['images'],
    query: imagesQuery,
    callsSubAgent: true,
    reply: list,
    handler: listImages,
  }),
  route({
    method: 'POST',
    path: '/images',
    operationId: 'fetchImage',
    summary: "Fetch an image, or make one of a guest's disk",
    can: 'host',
    tags: ['images'],
    query: jobQuery,
    payload: imageFetchPayload,
    reply: fetching,
    handler: fetchImage,
  }),
  route({
    method: 'GET',
    path: '/images/{imageID}',
    operationId: 'getImage',
    summary: 'Get an image',
    can: 'look',
    over: 'some',
    tags: ['images'],
    params: imageParams,
    callsSubAgent: true,
    reply: one,
    handler: getImage,
  }),
  route({
    method: 'DELETE',
    path: '/images/{imageID}',
    operationId: 'deleteImage',
    summary: 'Delete an image',
    can: 'host',
    tags: ['images'],
    query: jobQuery,
    params: imageParams,
    reply: deleting,
    handler: deleteImage,
  }),
  route({
    method: 'PUT',
    path: '/images/{imageID}',
    operationId: 'uploadImage',
    summary: 'Upload an image, whole or piece by piece',
    can: 'host',
    tags: ['images'],
    query: uploadQuery,
    params: imageParams,
    payload: 'upload',
    reply: {
      status: 202,
      description: 'The file is complete, and the job that checks it was queued',
      schema: replies.upload,
    },
    handler: uploadImage,
  }),
  route({
    method: 'GET',
    path: '/images/{imageID}/upload',
    operationId: 'getUpload',
    summary: 'Get how much of an uploaded image is there',
    can: 'look',
    tags: ['images'],
    params: imageParams,
    callsSubAgent: true,
    reply: { status: 200, description: 'The upload', schema: replies.imageUpload },
    handler: getUpload,
  }),
  route({
    method: 'DELETE',
    path: '/images/{imageID}/upload',
    operationId: 'deleteUpload',
    summary: 'Remove what is there of an uploaded image',
    can: 'host',
    tags: ['images'],
    params: imageParams,
    callsSubAgent: true,
    reply: { status: 200, description: 'The upload as it was', schema: replies.imageUpload },
    handler: deleteUpload,
  }),
  route({
    method: 'GET',
    path: '/images/{imageID}/download',
    operationId: 'downloadImage',
    summary: 'Download the file of a disk image',
    can: 'content',
    tags: ['images'],
    params: imageParams,
    query: diskDownloadQuery,
    callsSubAgent: true,
    reply: { status: 200, description: 'The bytes of the file', type: 'application/octet-stream' },
    handler: downloadImage,
  }),
  route({
    method: 'GET',
    path: '/container_images',
    operationId: 'listContainerImages',
    summary: 'List container images',
    can: 'look',
    over: 'some',
    tags: ['container images'],
    query: containerImagesQuery,
    callsSubAgent: true,
    reply: list,
    handler: listContainerImages,
  }),
  route({
    method: 'POST',
    path: '/container_images',
    operationId: 'fetchContainerImage',
    summary: 'Fetch a container image',
    can: 'host',
    tags: ['container images'],
    query: jobQuery,
    payload: imageFetchPayload,
    reply: fetching,
    handler: fetchContainerImage,
  }),
  route({
    method: 'GET',
    path: '/container_images/{imageID}',
    operationId: 'getContainerImage',
    summary: 'Get a container image',
    can: 'look',
    over: 'some',
    tags: ['container images'],
    params: imageParams,
    callsSubAgent: true,
    reply: one,
    handler: getContainerImage,
  }),
  route({
    method: 'DELETE',
    path: '/container_images/{imageID}',
    operationId: 'deleteContainerImage',
    summary: 'Delete a container image',
    can: 'host',
    tags: ['container images'],
    query: jobQuery,
    params: imageParams,
    reply: deleting,
    handler: deleteContainerImage,
  }),
  route({
    method: 'GET',
    path: '/container_images/{imageID}/download',
    operationId: 'downloadContainerImage',
    summary: 'Download a container image as an archive',
    can: 'content',
    tags: ['container images'],
    params: imageParams,
    callsSubAgent: true,
    reply: { status: 200, description: 'A tar archive', type: 'application/octet-stream' },
    handler: downloadContainerImage,
  }),
  route({
    method: 'POST',
    path: '/container_images/prune',
    operationId: 'pruneContainerImages',
    summary: 'Delete the container images that no container was made from',
    can: 'host',
    tags: ['container images'],
    query: jobQuery,
    reply: {
      status: 202,
      description: 'The job that deletes the images was queued; a dry run responds 200 with the images',
      schema: replies.fetch,
    },
    handler: pruneContainerImages,
  }),
];
