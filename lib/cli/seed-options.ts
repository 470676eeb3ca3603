import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { MetadataOf } from '../client/metadata.js';
import { errorMessage } from '../errors.js';
import { usageFailure } from './failure.js';
import { collect } from './option-values.js';
import { publicKeys } from './ssh-keys.js';

/** What the options of `addSeedOptions` parse to. */
export interface SeedOptions {
  /** A file, or `-` for standard input. */
  userData?: string;
  /** Public keys, or files with some. */
  sshKey?: string[];
}

type Entries = Record<string, string>;

const KEY = 'user-data';

/** Adds the options for what cloud-init does in a virtual machine. */
export const addSeedOptions = (command: Command): Command =>
  command
    .option('--user-data <file>', 'user-data for cloud-init; - reads standard input')
    .option(
      '--ssh-key <key>',
      'a public SSH key, or a file with some, with which to log in as the default user of the image; repeatable',
      collect,
    );

const readUserDataFile = async (file: string): Promise<string> => {
  try {
    return await (file === '-' ? readText(process.stdin) : readFile(file, 'utf8'));
  } catch (error) {
    throw usageFailure(`cannot read the user-data: ${errorMessage(error)}`);
  }
};

/** The user-data that is given, and how to call it in a message. */
const givenUserData = async (
  { userData: file }: SeedOptions,
  metadata: Entries,
): Promise<{ text: string; title: string } | undefined> => {
  const entry = metadata[KEY];
  if (file === undefined) return entry === undefined ? undefined : { text: entry, title: KEY };
  if (entry !== undefined)
    throw usageFailure(
      'user-data is given twice: leave out --user-data FILE, or user-data=… in the metadata',
    );
  return { text: await readUserDataFile(file), title: file === '-' ? KEY : file };
};

/**
 * Returns the metadata with the user-data of a file, into which the SSH keys are merged. A `#cloud-config` is checked:
 * cloud-init ignores one that is not YAML, and only its log says so.
 * @param present reads the user-data that the guest has already, for keys without a file
 * @throws {Failure} for user-data or a key that the guest could not use
 */
export const seedMetadata = async (
  options: SeedOptions & { metadata?: Entries },
  present: () => Promise<string | undefined> = async () => undefined,
): Promise<Entries | undefined> => {
  const { metadata, sshKey } = options;
  const given = await givenUserData(options, metadata ?? {});
  if (!given && !sshKey) return metadata;
  const { requireValid, withAuthorizedKeys } = await import('./cloud-config.js');
  if (given) requireValid(given.text, given.title);
  if (!sshKey) return { ...metadata, [KEY]: given?.text ?? '' };
  const keys = (await Promise.all(sshKey.map(publicKeys))).flat();
  const { text, title } = given ?? { text: await present(), title: `the guest's ${KEY}` };
  return { ...metadata, [KEY]: withAuthorizedKeys(text ?? '', keys, title) };
};

/**
 * Reads the user-data of a guest.
 * @param name the guest, for messages
 * @throws {Failure} when this client may not read it
 */
export const readUserData = async (metadata: MetadataOf, name: string): Promise<string | undefined> => {
  const { body, hidden = [] } = await metadata.getTagged();
  if (hidden.includes(KEY))
    throw usageFailure(
      `the SSH key cannot be added to the user-data of ${name}: it is sealed, or the token lacks the right "content"`,
      'Give all of it with --user-data FILE.',
    );
  return body[KEY];
};
