import type { Command, Option } from 'commander';

/** Escapes text for groff(7): backslashes, dashes, and a dot or quote at the beginning of a line. */
const escapeRoff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

const optionsOf = (command: Command): Option[] => command.options.filter(({ hidden }) => !hidden);

const optionEntry = ({
  flags,
  description,
  argChoices,
  defaultValue,
  defaultValueDescription,
}: Option): string => {
  const fallback = defaultValueDescription ?? defaultValue;
  const notes = [
    description,
    ...(argChoices ? [`one of ${argChoices.join(', ')}`] : []),
    ...(fallback === undefined ? [] : [`default: ${fallback}`]),
  ];
  return `.TP\n.B ${escapeRoff(flags)}\n${escapeRoff(notes.join('; '))}\n`;
};

const usageOf = (command: Command, path: string): string => {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [path, ...words].join(' ');
};

/** Lists the commands that have no subcommands, each after the words that invoke it. */
const listLeaves = (command: Command, path: string): [string, Command][] => {
  const visible = command.createHelp().visibleCommands(command);
  const children = visible.filter((child) => child.name() !== 'help');
  if (children.length === 0) return [[path, command]];
  return children.flatMap((child) => listLeaves(child, `${path} ${child.name()}`));
};

const commandEntry = ([path, command]: [string, Command]): string =>
  `.SS ${escapeRoff(usageOf(command, path))}\n${escapeRoff(command.description())}\n${optionsOf(command).map(optionEntry).join('')}`;

/** Returns what a command appends to its help, such as examples and environment variables. */
const extraHelpOf = (command: Command): string => {
  let text = '';
  command.configureOutput({
    writeOut: (help) => {
      text += help;
    },
  });
  command.outputHelp();
  return text.replace(command.helpInformation(), '').trim();
};

/**
 * Formats the manual page of a command line, as man-pages(7) lays it out.
 * @param section 1 for users' commands, 8 for those of the administrator
 */
export const manPage = (program: Command, section: 1 | 8, seeAlso: string): string => {
  const name = program.name();
  const commands = listLeaves(program, name).filter(([, command]) => command !== program);
  const extraHelp = extraHelpOf(program);
  const synopsis = commands.length > 0 ? '[options] <command>' : '[options]';
  return [
    `.TH ${name.toUpperCase()} ${section} "" "Mistify Agent"\n`,
    `.SH NAME\n${escapeRoff(name)} \\- ${escapeRoff(program.description())}\n`,
    `.SH SYNOPSIS\n.B ${escapeRoff(name)}\n${escapeRoff(synopsis)}\n`,
    `.SH OPTIONS\n${optionsOf(program).map(optionEntry).join('')}`,
    ...(commands.length > 0 ? [`.SH COMMANDS\n${commands.map(commandEntry).join('')}`] : []),
    ...(extraHelp ? [`.SH NOTES\n.nf\n${escapeRoff(extraHelp)}\n.fi\n`] : []),
    `.SH SEE ALSO\n.BR ${escapeRoff(seeAlso)}\n`,
  ].join('');
};
