import type { Command } from 'commander';
import type { MistifyClient } from '../../client/index.js';
import type { MetadataOf } from '../../client/metadata.js';
import { invalidValue, usageFailure } from '../failure.js';
import { guestId } from '../names.js';
import { noteUnknownSealedKeys } from '../sealed-keys.js';
import { addSeedOptions, readUserData, type SeedOptions, seedMetadata } from '../seed-options.js';
import { withSession } from '../session.js';

interface GuestOption {
  guest?: string;
}

type SetOptions = GuestOption & SeedOptions & { dryRun?: boolean };

const metadataOf = async (client: MistifyClient, { guest }: GuestOption): Promise<MetadataOf> =>
  guest === undefined ? client.metadata : client.metadataOf(await guestId(client, guest));

type Patch = Record<string, string | null>;

/** Adds `KEY=VALUE`, which sets a key, or `KEY=`, which removes it, to a patch. */
export const addChange = (text: string, earlier: Patch = {}): Patch => {
  const at = text.indexOf('=');
  if (at < 1) throw invalidValue('give KEY=VALUE, or KEY= to remove the key');
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) || null };
};

/**
 * Adds the user-data and the SSH keys to a patch.
 * @throws {Failure} when there is nothing to change, or the host is to have user-data
 */
const completePatch = async (metadata: MetadataOf, patch: Patch, options: SetOptions): Promise<Patch> => {
  const { guest, userData, sshKey } = options;
  if (guest === undefined && (userData !== undefined || sshKey !== undefined))
    throw usageFailure('--user-data and --ssh-key are for a guest: name it with --guest');
  const texts = Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, value ?? '']));
  const seeded = await seedMetadata({ ...options, metadata: texts }, () =>
    readUserData(metadata, guest ?? ''),
  );
  const complete = { ...patch, ...seeded };
  if (Object.keys(complete).length === 0)
    throw usageFailure('nothing to change: give KEY=VALUE, --user-data or --ssh-key');
  return complete;
};

export const addMetadataCommands = (program: Command): void => {
  const metadata = program
    .command('metadata')
    .description('manage the metadata of the host or of a guest')
    .addHelpText(
      'after',
      `
Examples:
  mistify metadata set rack=r1 row=
  mistify metadata set --guest web name=web-1
  mistify metadata set --guest web --user-data web.yaml --ssh-key ~/.ssh/id_ed25519.pub
  mistify metadata show --guest web`,
    );

  metadata
    .command('show')
    .description('show the metadata of the host or of a guest')
    .option('--guest <guest>', 'metadata of this guest instead of the host')
    .action(
      withSession(async ({ client, out }, options: GuestOption) => {
        const { body: found, hidden = [] } = await (await metadataOf(client, options)).getTagged();
        if (!out.json && Object.keys(found).length === 0 && hidden.length === 0) out.note('no metadata');
        else await out.one(found);
        if (hidden.length > 0)
          out.note(
            `hidden, because they are sealed or the token lacks the right "content": ${hidden.join(', ')}`,
          );
      }),
    );

  addSeedOptions(
    metadata
      .command('set')
      .description('set or remove keys')
      .argument('[key=value...]', 'KEY=VALUE sets a key, KEY= removes it', addChange)
      .option('--guest <guest>', 'metadata of this guest instead of the host'),
  )
    .option('--dry-run', 'only check the request; change nothing')
    .action(
      withSession(async ({ client, out }, given: Patch | [], options: SetOptions) => {
        const { dryRun } = options;
        const metadata = await metadataOf(client, options);
        const patch = await completePatch(metadata, Array.isArray(given) ? {} : given, options);
        const { body, nextStart = [] } = await metadata.patch(patch, { dryRun });
        if (dryRun) out.note('nothing was changed; the metadata would be:');
        await out.one(body);
        const sealed = patch['sealed-keys'];
        if (sealed && options.guest !== undefined) {
          const { body: found, hidden = [] } = await metadata.getTagged();
          await noteUnknownSealedKeys(out, sealed, [
            ...Object.keys(found),
            ...hidden,
            ...Object.keys(patch).filter((key) => patch[key]),
          ]);
        }
        if (nextStart.length > 0)
          out.note(
            `the guest gets the changed ${nextStart.join(', ')} at its next start: shut it down and start it; reboot is not enough`,
          );
      }),
    );
};
