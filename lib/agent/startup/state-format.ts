import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, errorMessage } from '../../errors.js';
import { ifExists, replaceFile } from '../../files/atomic-files.js';
import type { Logger } from '../../log.js';

/**
 * Counts the changes of the state that an earlier version would overlook or misread.
 * - 1: versions that wrote no file `format`;
 * - 2: guests have virtual hardware of their own, which earlier versions would replace.
 */
const FORMAT = 2;

/**
 * Checks that the state is not of a newer version, before anything reads or changes it, and marks it as of this one.
 * @throws {AgentError} `conflict` when it is of a newer version
 */
export const checkStateFormat = async (dbpath: string, log: Logger): Promise<void> => {
  const path = join(dbpath, 'format');
  const text = (await ifExists(readFile(path, 'utf8')))?.trim() ?? '1';
  const format = Number(text);
  if (!Number.isInteger(format) || format > FORMAT)
    throw new AgentError(
      'conflict',
      `the state in ${dbpath} was written by a newer version of the agent (format ${text}, this version knows ${FORMAT}): install that version again`,
    );
  if (format === FORMAT) return;
  // A full disk must not keep the agent from starting: the next start writes it.
  await replaceFile(path, `${FORMAT}\n`).catch((error) =>
    log.warn({ err: error }, `format of the state not recorded: ${errorMessage(error)}`),
  );
};
