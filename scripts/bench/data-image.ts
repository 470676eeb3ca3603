import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const MB = 2 ** 20;
/** The data begins after what would be the tables of a partitioned disk. */
const START = MB;
/** Files of ordinary size, as most data is. */
const MAX_FILE = 32 * MB;

/** Yields the content of this host's programs and libraries: data that compresses as real data does. */
async function* realFiles(): AsyncGenerator<Buffer> {
  for (const root of ['/usr/lib', '/usr/share', '/usr/bin']) {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const content = await readFile(join(entry.parentPath, entry.name)).catch(() => undefined);
      if (content && content.length <= MAX_FILE) yield content;
    }
  }
}

/** Writes a raw disk of `size` MB whose first `data` MB are the content of this host's own files. */
export const makeDataImage = async (path: string, size: number, data: number): Promise<void> => {
  const file = await open(path, 'w', 0o600);
  try {
    await file.truncate(size * MB);
    let position = START;
    for await (const content of realFiles()) {
      const bytes = content.subarray(0, Math.max(0, data * MB - position));
      if (bytes.length === 0) return;
      await file.write(bytes, 0, bytes.length, position);
      position += bytes.length;
    }
    throw new Error(`this host has fewer than ${data} MB of files for the disk`);
  } finally {
    await file.close();
  }
};
