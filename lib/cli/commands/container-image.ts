import type { Command } from 'commander';
import { formatMb } from '../../portable/format.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { requireTarget, STDOUT, saveBytes } from '../save-bytes.js';
import { withSession } from '../session.js';

interface SaveOptions {
  output?: string;
  force?: boolean;
}

const addSave = (image: Command): void => {
  image
    .command('save <image>')
    .description('save a container image as an archive, for "image fetch" or any container engine')
    .option('-o, --output <file>', 'output file; by default standard output')
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client }, id: string, { output: file = STDOUT, force }: SaveOptions) => {
        requireTarget(file, 'an image', force);
        const archive = await client.containerImages.download(id);
        await saveBytes(archive, file, `save ${id}`);
      }),
    );
};

const addPrune = (image: Command): void => {
  const command = addJobOptions(
    image.command('prune').description('delete the container images that no container was made from'),
  );
  addConfirmOption(command).action(
    withSession(async (session, options: FollowOptions & ConfirmOptions) => {
      const { client, out } = session;
      const plan = await client.containerImages.prune({ dryRun: true });
      const { images } = plan.body;
      if (options.dryRun && out.json) return out.value(images);
      for (const { id, size } of images) out.note(`${id}  ${formatMb(size)}`);
      if (options.dryRun || images.length === 0) {
        out.note(images.length === 0 ? 'No image is unused.' : 'These images would be deleted.');
        return;
      }
      if (!options.yes) await confirm(`Delete these ${images.length} images?`, options);
      await reportJob(session, await client.containerImages.prune(), 'prune images', options);
    }),
  );
};

export const addContainerImageCommands = (image: Command): void => {
  addSave(image);
  addPrune(image);
};
