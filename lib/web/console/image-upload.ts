import { path } from '../../client/path.js';
import { pieceHeaders, sendPieces } from '../../client/upload-pieces.js';
import type { ImageUpload } from '../../model/image-upload.js';
import { get, sendRequest } from './api.js';
import { field, formDialog } from './dialogs.js';
import { h } from './dom.js';
import { SUM_PATTERN, sumOf } from './images.js';
import { follow } from './jobs.js';

interface UploadRequest {
  /** The id of the image. */
  id: string;
  file: File;
  /** What the query says of the image: its sum, and whether it replaces another. */
  query: Record<string, string>;
  signal: AbortSignal;
  /** Called with the bytes that the agent has. */
  onProgress: (received: number) => void;
}

/**
 * Uploads an image in pieces.
 * @returns the ID of the job that makes the file an image
 */
const uploadImage = ({ id, file, query, signal, onProgress }: UploadRequest): Promise<string> =>
  sendPieces({
    ...{ size: file.size, resume: false, onProgress, signal },
    ask: () => get<ImageUpload>(path`/images/${id}/upload`),
    send: async (position, length) => {
      const response = await sendRequest('PUT', `${path`/images/${id}`}?${new URLSearchParams(query)}`, {
        ...{ upload: file.slice(position, position + length), signal },
        headers: pieceHeaders(position, length, file.size),
      });
      const { upload } = (await response.json()) as { upload?: ImageUpload };
      return upload ?? { done: response.headers.get('X-Guest-Job-ID') ?? '' };
    },
  });

/** A name for the image in a file: that of the file, without its endings. */
const nameIn = (file: File): string =>
  file.name.replace(/(\.(gz|xz|zst|bz2|img|raw|qcow2|vmdk|vdi|vhdx?))+$/i, '');

/** Asks for a disk image of the user's computer, and uploads it. */
export const openUpload = async (): Promise<void> => {
  const file = h('input', { type: 'file', required: true, autofocus: true });
  const id = h('input', { autocomplete: 'off', spellcheck: 'false', required: true });
  const sum = h('input', { autocomplete: 'off', spellcheck: 'false', pattern: SUM_PATTERN });
  const bar = h('progress', { max: 100, hidden: true, 'aria-label': 'Progress of the upload' });
  const closed = new AbortController();
  await formDialog({
    title: 'Upload image',
    action: 'Upload',
    content: [
      field(
        'File',
        file,
        'A disk image: raw, qcow2, …, packed or not. Keep this page open until it is sent.',
      ),
      field('ID', id, 'Any name'),
      field('SHA-256 or SHA-512', sum, 'Optional; checked against what arrives'),
      bar,
    ],
    isComplete: () => {
      const [chosen] = file.files ?? [];
      if (chosen && id.value === '') id.value = nameIn(chosen);
      return chosen !== undefined && id.value.trim() !== '';
    },
    submit: async () => {
      const [chosen] = file.files ?? [];
      if (!chosen) return;
      bar.hidden = false;
      const name = id.value.trim();
      const jobId = await uploadImage({
        ...{ id: name, file: chosen, query: sumOf(sum.value.trim()), signal: closed.signal },
        onProgress: (received) => {
          bar.value = Math.floor((100 * received) / Math.max(1, chosen.size));
        },
      });
      follow(jobId, { title: `Upload ${name}`, done: `${name} is in the store.` });
    },
  });
  closed.abort();
};
