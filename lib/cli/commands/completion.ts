import { Argument, type Command } from 'commander';
import { COMPLETION_SCRIPTS, SHELLS, type Shell } from '../completion-scripts.js';

/** @param makeProgram the tree of commands, whose words are completed */
export const addCompletionCommands = (program: Command, makeProgram: () => Command): void => {
  program
    .command('completion')
    .description('print a script that has your shell complete commands, guests, images and jobs')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(mistify completion bash)                                          # in ~/.bashrc
  source <(mistify completion zsh)                                           # in ~/.zshrc, after compinit
  mistify completion fish > ~/.config/fish/completions/mistify.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(`${COMPLETION_SCRIPTS[shell]}\n`);
    });

  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { complete } = await import('../complete.js');
      await complete(makeProgram(), words);
    });
};
