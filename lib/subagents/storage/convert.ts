import type { CheckedFile } from './disk-store.js';
import { imageFile, LONG_TIMEOUT_MS, qemuImg } from './qemu-img.js';

/**
 * Converts a checked file with `qemu-img convert`. QEMU opens no other file, whatever the header says.
 * @param flags further flags of `qemu-img convert`
 */
export const convert = async (
  { path, format }: CheckedFile,
  to: 'qcow2' | 'raw',
  target: string,
  flags: string[] = [],
): Promise<void> => {
  const source = imageFile(format, path, format === 'raw' ? {} : { backing: null });
  await qemuImg(['convert', '-q', ...flags, '-O', to, source, target], { timeoutMs: LONG_TIMEOUT_MS });
};
