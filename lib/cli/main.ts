#!/usr/bin/env node
import { CommanderError } from 'commander';
import { isErrno } from '../errors.js';
import { coloursFor } from './colours.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { explain } from './explain.js';
import { makeProgram } from './program.js';

const report = (error: unknown): ExitCode => {
  // Commander has printed the message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const { exitCode, message, hint } = explain(error);
  const colours = coloursFor(process.stderr);
  process.stderr.write(`${colours.red('error:')} ${message}\n${hint ? `${hint}\n` : ''}`);
  return exitCode;
};

// The reader may close the pipe early, like `head`.
process.stdout.on('error', (error) => {
  if (isErrno(error, 'EPIPE')) process.exit(EXIT.done);
  throw error;
});

try {
  await makeProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
