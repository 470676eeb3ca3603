import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { EXIT } from './exit-codes.js';
import { Failure, usageFailure } from './failure.js';
import { escapeControls } from './printable.js';

export interface ConfirmOptions {
  yes?: boolean;
  dryRun?: boolean;
}

/** Adds the option of every command that destroys something for good. */
export const addConfirmOption = (command: Command): Command =>
  command.option('-y, --yes', 'do not ask; required without a terminal');

const ask = async (question: string): Promise<string> => {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const interrupt = new AbortController();
  terminal.on('SIGINT', () => interrupt.abort());
  terminal.on('close', () => interrupt.abort());
  try {
    return await terminal.question(`${question} [y/N] `, { signal: interrupt.signal });
  } catch {
    process.stderr.write('\n');
    throw new Failure(EXIT.interrupted, 'interrupted: nothing was changed');
  } finally {
    terminal.close();
  }
};

/**
 * Asks the user at the terminal, unless `--yes` or `--dry-run` is set.
 * @param question names what would be lost
 * @throws {Failure} when the user declines, or without a terminal
 */
export const confirm = async (question: string, { yes, dryRun }: ConfirmOptions): Promise<void> => {
  if (yes || dryRun) return;
  const printable = escapeControls(question);
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw usageFailure(`${printable} No terminal to ask at`, 'To do it without a question, give --yes.');
  if (!/^y(es)?$/i.test((await ask(printable)).trim()))
    throw new Failure(EXIT.failed, 'not confirmed: nothing was changed');
};
