import { constants } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifExists, sync } from '../../../files/atomic-files.js';
import { ProgramError, runProgram } from '../../../process/run-program.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { nvramPath } from '../../shared/nvram.js';
import { findImagePath } from '../../shared/qcow2/header.js';
import type { FirmwareFiles, FlashFile } from './descriptors.js';
import { FLASH_BYTES, flashSize } from './flash-size.js';

const TIMEOUT_MS = 20_000;

const exists = async (path: string): Promise<boolean> => (await ifExists(stat(path))) !== undefined;

/** @throws with qemu-img's own words */
const copyTemplate = async ({ filename, format }: FlashFile, path: string): Promise<void> => {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  try {
    const args = ['convert', '-q', '-f', format, '-O', 'qcow2', filename, draft];
    await runProgram('qemu-img', args, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const words = error.isMissing ? 'install qemu-img (Debian: apt install qemu-utils)' : error.message;
    throw new Error(`the UEFI variables of the guest cannot be created: ${words}`, { cause: error });
  }
  await sync(draft);
  await rename(draft, path);
  await sync(dirname(path));
};

/** Distrusts the file, which a guest that took over its QEMU can write. */
const requireFits = async (path: string, code: FlashFile): Promise<void> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await findImagePath(file, path, []);
  } finally {
    await file.close();
  }
  const bytes = (await flashSize({ filename: path, format: 'qcow2' })) + (await flashSize(code));
  if (bytes !== FLASH_BYTES)
    throw new Refusal(
      'conflict',
      `the UEFI variables in ${path} do not fit the firmware ${code.filename}: together they have ${bytes} bytes, not ${FLASH_BYTES}; restore the file, or remove it to begin with fresh variables`,
    );
};

/**
 * Finds a guest's UEFI variables, and creates them from the firmware's template where there are none.
 * @param dirs the directories of the guest's files: new variables are created in the first one
 * @returns the path of the file
 * @throws {Refusal} `conflict` when they do not fit the firmware
 */
export const prepareNvram = async (
  dirs: readonly string[],
  { code, template }: FirmwareFiles,
): Promise<string> => {
  const paths = dirs.map(nvramPath);
  for (const path of paths) {
    if (!(await exists(path))) continue;
    await requireFits(path, code);
    return path;
  }
  const [path = ''] = paths;
  await copyTemplate(template, path);
  return path;
};
