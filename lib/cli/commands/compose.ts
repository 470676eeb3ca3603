import type { Command } from 'commander';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { withSession } from '../session.js';

interface FileOptions {
  file: string;
  project?: string;
}

const addFileOptions = (command: Command): Command =>
  command
    .option('-f, --file <file>', 'the pod file', 'compose.yaml')
    .option(
      '-p, --project <name>',
      'name of the project; by default as the file says, or its directory is named',
    );

/** Adds the commands for pod files. What reads YAML is loaded when one of them runs. */
export const addComposeCommands = (program: Command): void => {
  const compose = program
    .command('compose')
    .description('run the containers of a pod file, which is a part of the Compose specification')
    .addHelpText(
      'after',
      `
Examples:
  mistify compose up -f shop.yaml
  mistify compose ps -f shop.yaml
  mistify compose down -f shop.yaml`,
    );

  addFileOptions(
    compose
      .command('up')
      .description('make and start what the file describes, as far as it is not there, and wait for it')
      .option('--dry-run', 'only check the file and the requests; change nothing'),
  ).action(
    withSession(async (session, { file, project, dryRun }: FileOptions & { dryRun?: boolean }) => {
      const [{ readPod }, { up }] = await Promise.all([
        import('../compose/read.js'),
        import('../compose/up.js'),
      ]);
      await up(session, await readPod(file, project, process.env), { dryRun: dryRun ?? false });
    }),
  );

  addConfirmOption(
    addFileOptions(
      compose
        .command('down')
        .description('shut down and delete the guests of the file; its volumes stay')
        .option('--volumes', 'delete the volumes too, with their files'),
    ),
  ).action(
    withSession(
      async (
        session,
        { file, project, volumes, yes }: FileOptions & ConfirmOptions & { volumes?: boolean },
      ) => {
        const [{ readProject }, { down }] = await Promise.all([
          import('../compose/read.js'),
          import('../compose/down.js'),
        ]);
        const name = await readProject(file, project);
        const what = `Delete the guests of project ${name}${volumes ? ' and all files in its volumes' : ''}?`;
        await confirm(what, { yes: yes ?? false });
        await down(session, name, { volumes: volumes ?? false });
      },
    ),
  );

  addFileOptions(compose.command('ps').description('list the guests of the file')).action(
    withSession(async (session, { file, project }: FileOptions) => {
      const [{ readProject }, { ps }] = await Promise.all([
        import('../compose/read.js'),
        import('../compose/ps.js'),
      ]);
      await ps(session, await readProject(file, project));
    }),
  );
};
