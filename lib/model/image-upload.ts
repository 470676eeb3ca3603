import Joi from 'joi';
import type { ImageFetch } from './image.js';

/** An image whose file a client sends in pieces. */
export interface ImageUpload {
  /** The image's id. */
  id: string;
  /** Bytes of the whole file. */
  size: number;
  /** Bytes that are there: the next piece begins with the byte after them. */
  received: number;
  /** When it is removed unless more bytes come, as in RFC 3339. */
  expires: string;
}

export const imageUploadSchema = Joi.object<ImageUpload>({
  id: Joi.string().required(),
  size: Joi.number().min(0).required().description('Bytes of the whole file'),
  received: Joi.number()
    .min(0)
    .required()
    .description('Bytes that are there; the next piece begins after them'),
  expires: Joi.string().required().description('When it is removed unless more bytes come, as in RFC 3339'),
}).label('image upload');

/** What a client says of the file, with its last piece. */
export type UploadOptions = Pick<ImageFetch, 'sha256' | 'sha512' | 'format' | 'refresh'>;

/** A piece of a file. */
export interface UploadPiece {
  /** The position of its first byte in the file. */
  offset: number;
  /** Bytes of the whole file. */
  size: number;
}

const RANGE = /^bytes (?:(?<first>\d+)-(?<last>\d+)|\*)\/(?<size>\d+)$/;

/**
 * Reads which part of a file a request's body is, from its Content-Range (RFC 9110, 14.4) and Content-Length. Without a
 * range it is the whole file.
 * @returns a text that says what is wrong for headers that contradict each other
 */
export const pieceOf = (range: string | undefined, length: number | undefined): UploadPiece | string => {
  if (length === undefined) return 'the length of the body is missing: send Content-Length';
  if (range === undefined) return { offset: 0, size: length };
  const { first, last, size } = RANGE.exec(range)?.groups ?? {};
  if (size === undefined)
    return `Content-Range must be "bytes FIRST-LAST/SIZE", or "bytes */SIZE" without a body, got "${range.slice(0, 100)}"`;
  const piece = { offset: first === undefined ? Number(size) : Number(first), size: Number(size) };
  const bytes = first === undefined ? 0 : Number(last) - Number(first) + 1;
  if (bytes !== length || piece.offset + bytes > piece.size || !Number.isSafeInteger(piece.size))
    return `Content-Range "${range}" does not fit a body of ${length} bytes`;
  return piece;
};
