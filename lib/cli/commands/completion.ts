import { Argument, type Command } from 'commander';
import { COMPLETION_SCRIPTS, SHELLS, type Shell } from '../completion-scripts.js';

/** @param makeProgram creates the tree of commands to complete */
export const addCompletionCommands = (program: Command, makeProgram: () => Command): void => {
  program
    .command('completion')
    .description('print a completion script for your shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `
Completes commands, options, and the agent's guests, images and jobs.

Examples:
  source <(mistify completion bash)                            # in ~/.bashrc
  source <(mistify completion zsh)                             # in ~/.zshrc, after compinit
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
