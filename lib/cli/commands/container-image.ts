import type { Command } from 'commander';
import type { Image } from '../../client/index.js';
import { formatMb } from '../../portable/format.js';
import { addConfirmOption } from '../confirm.js';
import { addJobOptions } from '../follow.js';
import { type Prune, type PruneOptions, reportPrune } from '../prune.js';
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
    withSession(async (session, options: PruneOptions) => {
      const { containerImages } = session.client;
      const { images } = (await containerImages.prune({ dryRun: true })).body;
      const prune: Prune<Image> = {
        word: 'image',
        describe: ({ id, size }) => `${id}  ${formatMb(size)}`,
        send: () => containerImages.prune(),
      };
      await reportPrune(session, images, prune, options);
    }),
  );
};

export const addContainerImageCommands = (image: Command): void => {
  addSave(image);
  addPrune(image);
};
