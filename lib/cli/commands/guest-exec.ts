import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { ExecResult } from '../../client/index.js';
import { decodeBytes } from '../../model/encoded-output.js';
import { EXIT } from '../exit-codes.js';
import { explain } from '../explain.js';
import { Failure } from '../failure.js';
import { guestId } from '../names.js';
import { addPair, parseSeconds } from '../option-values.js';
import { withSession } from '../session.js';

interface ExecOptions {
  env?: Record<string, string>;
  within?: number;
  input?: boolean;
}

/** The exit code of shells for a program that a signal has ended is this plus the signal's number. */
const SIGNALLED = 128;

const NOTES = `
The exit code of the program becomes that of this command; 128 and more stand for a signal. 255 means that the program
could not be run, or runs on. No shell is involved: for one, run sh -c '…'. Standard input goes to the program when it is
a pipe or a file. Its output appears when it has ended: at most 16 MiB of each stream.

Examples:
  mistify guest exec web -- uname -a
  mistify guest exec web -- sh -c 'df -h | sort'
  mistify guest exec db -- psql < schema.sql`;

/** Reads standard input, unless it is a terminal. */
const readInput = async ({ input = true }: ExecOptions): Promise<Buffer | undefined> =>
  input && !process.stdin.isTTY ? buffer(process.stdin) : undefined;

const write = (stream: NodeJS.WriteStream, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

const printOutput = async ({ stdout, stdoutEncoding, stderr, stderrEncoding }: ExecResult): Promise<void> => {
  await write(process.stdout, decodeBytes(stdout, stdoutEncoding));
  await write(process.stderr, decodeBytes(stderr, stderrEncoding));
};

const notRun = (message: string, hint?: string): Failure => new Failure(EXIT.notRun, message, hint);

/** Gives a failure of this command an exit code that its program cannot be mistaken for. */
const asNotRun = (error: unknown): Failure => {
  const { message, hint } = explain(error);
  return notRun(message, hint);
};

export const addExec = (guest: Command): void => {
  guest
    .command('exec <guest> <program> [arguments...]')
    .description('run a program in a guest: in a virtual machine through its guest agent')
    .option('--env <NAME=value>', 'variable of its environment, repeatable', addPair)
    .option('--within <seconds>', 'how long to wait for its end (default: 60)', parseSeconds)
    .option('--no-input', 'leave standard input alone')
    .addHelpText('after', NOTES)
    .action(
      withSession(
        async ({ client, out }, text: string, program: string, args: string[], options: ExecOptions) => {
          let result: ExecResult;
          try {
            const id = await guestId(client, text);
            const input = await readInput(options);
            result = await client.guests.exec(id, {
              command: [program, ...args],
              ...(options.env ? { env: options.env } : {}),
              ...(options.within === undefined ? {} : { timeout: options.within }),
              ...(input ? { input: input.toString('base64'), inputEncoding: 'base64' } : {}),
            });
          } catch (error) {
            throw asNotRun(error);
          }
          if (out.json) out.value(result);
          else await printOutput(result);
          if (result.truncated) out.note('A part of the output is missing: it has more than 16 MiB.');
          if (!result.exited) throw notRun(`${program} still runs in the guest, as process ${result.pid}`);
          process.exitCode =
            result.signal === undefined ? (result.exitCode ?? EXIT.failed) : SIGNALLED + result.signal;
        },
      ),
    );
};
