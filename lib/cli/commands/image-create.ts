import type { Command } from 'commander';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { guestId } from '../names.js';
import { withSession } from '../session.js';

interface CreateOptions extends FollowOptions {
  guest: string;
  snapshot?: string;
  disk?: string;
}

export const addImageCreate = (image: Command): void => {
  const command = image
    .command('create <image>')
    .description("make an image of a guest's disk; the guest may run")
    .requiredOption('--guest <guest>', 'the guest')
    .option('--snapshot <snapshot>', 'its snapshot; by default its present state')
    .option('--disk <disk>', 'number, serial or device name, for a guest with several disks')
    .addHelpText(
      'after',
      `
Examples:
  mistify image create web-base --guest web --wait
  mistify image create web-base --guest web --snapshot clean --disk 0 --wait`,
    );
  addJobOptions(command).action(
    withSession(async (session, id: string, { guest, snapshot, disk, ...options }: CreateOptions) => {
      const origin = {
        guest: await guestId(session.client, guest),
        ...(snapshot ? { snapshot } : {}),
        ...(disk ? { disk } : {}),
      };
      const accepted = await session.client.images.fetch({ id, ...origin }, { dryRun: options.dryRun });
      await reportJob(session, accepted, `create image ${id} of ${guest}`, options);
    }),
  );
};
