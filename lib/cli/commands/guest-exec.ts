import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { ExecRequest, ExecResult, MistifyClient } from '../../client/index.js';
import { decodeBytes } from '../../model/encoded-output.js';
import { type AttachOptions, attach, isAttached } from '../console/attach-program.js';
import { EXIT } from '../exit-codes.js';
import { explain } from '../explain.js';
import { Failure } from '../failure.js';
import { guestId } from '../names.js';
import { addPair, parseSeconds } from '../option-values.js';
import { withSession } from '../session.js';

interface ExecOptions extends AttachOptions {
  within?: number;
}

/** The exit code of shells for a program that a signal has ended is this plus the signal's number. */
const SIGNALLED = 128;

const NOTES = `
The exit code of the program becomes that of this command; 128 and more stand for a signal. 255 means that the program
could not be run, or runs on. No shell is involved: for one, run sh -c '…'.

Without -i and -t, the program gets what standard input has when that is a pipe or a file, and its output appears when it
has ended: at most 16 MiB of each stream. With -i, a container's program gets standard input while it runs, and its output
appears at once; -t gives it a terminal, and --within has no effect. For a virtual machine, -i changes nothing, and -t is
not possible.

Examples:
  mistify guest exec web -- uname -a
  mistify guest exec -it box -- sh
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

const requestOf = (command: string[], input: Buffer | undefined, options: ExecOptions): ExecRequest => {
  const { env, user, workdir: workingDir, within: timeout } = options;
  const chosen = Object.entries({ env, user, workingDir, timeout }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    command,
    ...Object.fromEntries(chosen),
    ...(input ? { input: input.toString('base64'), inputEncoding: 'base64' } : {}),
  };
};

/** Returns its exit code when it was connected while it ran. */
const run = async (
  client: MistifyClient,
  guest: string,
  command: string[],
  options: ExecOptions,
): Promise<ExecResult | number> => {
  if (options.interactive && options.tty && !process.stdin.isTTY)
    throw notRun('standard input is not a terminal', 'Leave out -t, or run this in a terminal.');
  const id = await guestId(client, guest);
  if (await isAttached(client, id, options)) return attach(client, id, command, options);
  return client.guests.exec(id, requestOf(command, await readInput(options), options));
};

export const addExec = (guest: Command): void => {
  guest
    .command('exec <guest> <program> [arguments...]')
    .description('run a program in a guest: in a virtual machine through its guest agent')
    .option('-i, --interactive', "pass on standard input while a container's program runs")
    .option('-t, --tty', "give a container's program a terminal")
    .option('-u, --user <user>', 'who runs it, by name or number; containers only')
    .option('-w, --workdir <path>', 'directory in which it starts; containers only')
    .option('--env <NAME=value>', 'variable of its environment, repeatable', addPair)
    .option('--within <seconds>', 'how long to wait for its end (default: 60)', parseSeconds)
    .option('--no-input', 'leave standard input alone')
    .addHelpText('after', NOTES)
    .action(
      withSession(
        async ({ client, out }, text: string, program: string, args: string[], options: ExecOptions) => {
          const command = [program, ...args];
          const result = await run(client, text, command, options).catch((error) => {
            throw asNotRun(error);
          });
          if (typeof result === 'number') {
            process.exitCode = result;
            return;
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
