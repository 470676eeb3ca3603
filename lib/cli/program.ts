import { Command, Option } from 'commander';
import { packageVersion } from '../files/package-root.js';
import { addAuditCommand } from './commands/audit.js';
import { addBackupCommands } from './commands/backup.js';
import { addCompletionCommands } from './commands/completion.js';
import { addComposeCommands } from './commands/compose.js';
import { addConsoleCommand } from './commands/console.js';
import { addContextCommands } from './commands/context.js';
import { addEventsCommand } from './commands/events.js';
import { addGuestCommands } from './commands/guest.js';
import { addHostCommands } from './commands/host.js';
import { addHostsCommand } from './commands/hosts.js';
import { addImageCommands } from './commands/image.js';
import { addJobCommands } from './commands/job.js';
import { addLogsCommand } from './commands/logs.js';
import { addMetadataCommands } from './commands/metadata.js';
import { addNetworksCommand } from './commands/networks.js';
import { addScheduleCommands } from './commands/schedule.js';
import { addServicesCommand } from './commands/services.js';
import { addSnapshotCommands } from './commands/snapshot.js';
import { addSshCommand } from './commands/ssh.js';
import { addStorageCommand } from './commands/storage.js';
import { addTokenCommands } from './commands/token.js';
import { addTopCommand } from './commands/top.js';
import { addVolumeCommands } from './commands/volume.js';
import { addWhoamiCommand } from './commands/whoami.js';
import { invalidValue } from './failure.js';

const parseTimeout = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 3600)) throw invalidValue('give seconds, more than 0 and up to 3600');
  return seconds;
};

const EXAMPLES = `
Examples:
  mistify image fetch debian-12 https://cloud.example.org/debian-12.qcow2 --wait
  mistify guest create --image debian-12 --memory 512 --cpu 1 --name web --wait
  mistify guest list --json

The agent's address is http://127.0.0.1:8080 by default. Set another one with the options above, in the environment
(MISTIFY_URL, MISTIFY_SOCKET, MISTIFY_TOKEN, MISTIFY_TOKEN_FILE, MISTIFY_CA, MISTIFY_CERT, MISTIFY_KEY), or in
~/.config/mistify/cli.json. For several agents, name them: mistify context --help.

Exit codes: 0 success, 1 failure, 2 usage error, 3 not found, 4 agent unreachable, 5 not authorized,
6 refused in the current state (a conflict, a full queue), 130 interrupted.`;

const GLOBAL_OPTIONS = `
Every command takes --json, and options for the agent's address and token: mistify --help`;

const addConnectionOptions = (program: Command): Command =>
  program
    .addOption(new Option('--url <url>', 'address of the agent').conflicts('socket'))
    .option('--socket <path>', 'unix socket of the agent')
    .addOption(
      new Option('--context <name>', 'an agent of "mistify context"; MISTIFY_CONTEXT by default').conflicts([
        'url',
        'socket',
      ]),
    )
    .addOption(
      new Option('--token <token>', 'token; other users can see it, so prefer a file').conflicts('tokenFile'),
    )
    .option('--token-file <file>', 'file with the token')
    .option('--ca <file>', "PEM file of the authority of the agent's certificate")
    .option('--cert <file>', 'PEM file of the client certificate')
    .option('--key <file>', 'PEM file of its key')
    .option('--timeout <seconds>', 'how long a response may take; 30 by default', parseTimeout)
    .option('--json', 'print JSON, for programs');

/** Creates all commands. Each call creates new ones, because commander keeps what it has parsed. */
export const makeProgram = (): Command => {
  const program = new Command('mistify')
    .description('Manage the guests, images, snapshots, backups, schedules and jobs of a Mistify Agent')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('Run with --help for usage.')
    .addHelpText('after', EXAMPLES)
    .addHelpText('afterAll', ({ command }) => (command.parent ? GLOBAL_OPTIONS : ''));
  addConnectionOptions(program);
  addGuestCommands(program);
  addHostCommands(program);
  addConsoleCommand(program);
  addLogsCommand(program);
  addSshCommand(program);
  addImageCommands(program);
  addVolumeCommands(program);
  addComposeCommands(program);
  addSnapshotCommands(program);
  addBackupCommands(program);
  addScheduleCommands(program);
  addStorageCommand(program);
  addNetworksCommand(program);
  addServicesCommand(program);
  addAuditCommand(program);
  addHostsCommand(program);
  addJobCommands(program);
  addMetadataCommands(program);
  addTokenCommands(program);
  addWhoamiCommand(program);
  addContextCommands(program);
  addEventsCommand(program);
  addTopCommand(program);
  addCompletionCommands(program, makeProgram);
  return program;
};
