import { createReadStream, type Stats, statSync } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { errorMessage } from '../../errors.js';
import { IDENTITIES, type Identity } from '../../model/imported-guest.js';
import { usageFailure } from '../failure.js';
import { reportNewGuest } from '../follow.js';
import { labelOf } from '../names.js';
import { receivedLine, startStatusLine } from '../progress.js';
import { countBytes, STDOUT as STDIN } from '../save-bytes.js';
import { withSession } from '../session.js';

interface ImportOptions {
  name?: string;
  identity?: Identity;
  network?: string;
  start?: boolean;
  wait?: boolean;
}

const NOTES = `
The file is one of "mistify guest export", or an OVA of VirtualBox or VMware; - reads standard input. Nothing is created
unless the whole file arrives and is sound. The guest is off afterwards, unless --start is given.

Examples:
  mistify guest import web.tar.zst --name web2 --wait
  mistify guest import appliance.ova --network br0 --start
  ssh other mistify guest export web | mistify guest import - --identity keep`;

const statsOf = (file: string): Stats => {
  try {
    const stats = statSync(file);
    if (!stats.isDirectory()) return stats;
  } catch (error) {
    throw usageFailure(`cannot read the file: ${errorMessage(error)}`);
  }
  throw usageFailure(`${file} is a directory`, 'Give a file of "mistify guest export", or an OVA.');
};

/** Opens the file to send, and its length where it is known. */
const openFile = (file: string): { bytes: Readable; length: number | undefined } => {
  if (file === STDIN) return { bytes: process.stdin, length: undefined };
  const stats = statsOf(file);
  return { bytes: createReadStream(file), length: stats.isFile() ? stats.size : undefined };
};

export const addImport = (guest: Command): void => {
  guest
    .command('import <file>')
    .description('import a virtual machine from an exported file or an OVA')
    .option('--name <name>', 'name of the guest; by default the one in the file')
    .addOption(
      new Option(
        '--identity <identity>',
        'new (the default) gives it a new ID and new addresses; keep leaves them as they are in the file',
      ).choices(IDENTITIES),
    )
    .option('--network <network>', 'network of all NICs, in place of those in the file')
    .option('--start', 'start the guest once it is there')
    .option('-w, --wait', 'wait until the job has ended')
    .addHelpText('after', NOTES)
    .action(
      withSession(async (session, file: string, { wait, ...wishes }: ImportOptions) => {
        const { client } = session;
        const { bytes, length } = openFile(file);
        const title = `import ${file}`;
        const line = await startStatusLine(title);
        const counted = countBytes((sent) => line.show(receivedLine(title, sent, length)));
        // A failure of the source shows on the bytes that are sent.
        const sent = pipeline(bytes, counted, () => {});
        const accepted = await client.guests.import(sent, { ...wishes, length }).finally(() => line.stop());
        await reportNewGuest(session, accepted, `${title} as ${labelOf(accepted.body)}`, { wait });
      }),
    );
};
