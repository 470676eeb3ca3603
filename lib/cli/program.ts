import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { packageRoot } from '../files/package-root.js';
import { addCompletionCommands } from './commands/completion.js';
import { addConsoleCommand } from './commands/console.js';
import { addEventsCommand } from './commands/events.js';
import { addGuestCommands } from './commands/guest.js';
import { addImageCommands } from './commands/image.js';
import { addJobCommands } from './commands/job.js';
import { addMetadataCommands } from './commands/metadata.js';
import { addSnapshotCommands } from './commands/snapshot.js';
import { addTokenCommands } from './commands/token.js';
import { addTopCommand } from './commands/top.js';

const version = (): string =>
  (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

const parseTimeout = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 3600)) throw new InvalidArgumentError('give seconds, up to 3600');
  return seconds;
};

const EXAMPLES = `
Examples:
  mistify image fetch debian-12 https://cloud.example.org/debian-12.qcow2 --wait
  mistify guest create --image debian-12 --memory 512 --cpu 1 --name web --wait
  mistify guest list --json

The agent is at http://127.0.0.1:8080 unless told otherwise: by these options, by MISTIFY_URL, MISTIFY_SOCKET,
MISTIFY_TOKEN, MISTIFY_TOKEN_FILE, MISTIFY_CA, MISTIFY_CERT, MISTIFY_KEY, or by ~/.config/mistify/cli.json.

Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 the agent cannot be reached, 5 not allowed,
6 refused for now (a conflict, a full queue), 130 interrupted.`;

const addConnectionOptions = (program: Command): Command =>
  program
    .addOption(new Option('--url <url>', 'where the agent is').conflicts('socket'))
    .option('--socket <path>', "the agent's unix socket")
    .addOption(
      new Option('--token <token>', 'a token; others can see it, so better a file').conflicts('tokenFile'),
    )
    .option('--token-file <file>', 'a file with the token')
    .option('--ca <file>', "PEM file of the certificate that signs the agent's")
    .option('--cert <file>', 'PEM file of the certificate to show')
    .option('--key <file>', 'PEM file of its key')
    .option('--timeout <seconds>', 'how long an answer may take; 30 by default', parseTimeout)
    .option('--json', 'answer in JSON, for programs');

/** All commands. It is made anew each time: commander keeps what it has parsed. */
export const makeProgram = (): Command => {
  const program = new Command('mistify')
    .description('Works with the guests, images, snapshots and jobs of a Mistify Agent')
    .version(version())
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('Add --help to see how it is used.')
    .addHelpText('after', EXAMPLES);
  addConnectionOptions(program);
  addGuestCommands(program);
  addConsoleCommand(program);
  addImageCommands(program);
  addSnapshotCommands(program);
  addJobCommands(program);
  addMetadataCommands(program);
  addTokenCommands(program);
  addEventsCommand(program);
  addTopCommand(program);
  addCompletionCommands(program, makeProgram);
  return program;
};
