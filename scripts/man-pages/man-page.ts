import type { Command, Option } from 'commander';

/** Text for roff: a backslash, a dash, and a dot or quote at the beginning of a line are not its own there. */
const escaped = (text: string): string =>
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
    ...(fallback === undefined ? [] : [`by default ${fallback}`]),
  ];
  return `.TP\n.B ${escaped(flags)}\n${escaped(notes.join('; '))}\n`;
};

const usageOf = (command: Command, path: string): string => {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [path, ...words].join(' ');
};

/** Commands that do something, with the words that lead to them. */
const leavesOf = (command: Command, path: string): [string, Command][] => {
  const visible = command.createHelp().visibleCommands(command);
  const children = visible.filter((child) => child.name() !== 'help');
  if (children.length === 0) return [[path, command]];
  return children.flatMap((child) => leavesOf(child, `${path} ${child.name()}`));
};

const commandEntry = ([path, command]: [string, Command]): string =>
  `.SS ${escaped(usageOf(command, path))}\n${escaped(command.description())}\n${optionsOf(command).map(optionEntry).join('')}`;

/** What a command adds to its help: its examples, its environment. */
const additionOf = (command: Command): string => {
  let text = '';
  command.configureOutput({
    writeOut: (added) => {
      text += added;
    },
  });
  command.outputHelp();
  return text.replace(command.helpInformation(), '').trim();
};

/**
 * A manual page (man-pages(7)) of a command line.
 * @param section 1 for users' commands, 8 for the administrator's
 */
export const manPage = (program: Command, section: 1 | 8, seeAlso: string): string => {
  const name = program.name();
  const commands = leavesOf(program, name).filter(([, command]) => command !== program);
  const addition = additionOf(program);
  const synopsis = commands.length > 0 ? '[options] <command>' : '[options]';
  return [
    `.TH ${name.toUpperCase()} ${section} "" "Mistify Agent"\n`,
    `.SH NAME\n${escaped(name)} \\- ${escaped(program.description())}\n`,
    `.SH SYNOPSIS\n.B ${escaped(name)}\n${escaped(synopsis)}\n`,
    `.SH OPTIONS\n${optionsOf(program).map(optionEntry).join('')}`,
    ...(commands.length > 0 ? [`.SH COMMANDS\n${commands.map(commandEntry).join('')}`] : []),
    ...(addition ? [`.SH NOTES\n.nf\n${escaped(addition)}\n.fi\n`] : []),
    `.SH SEE ALSO\n.BR ${escaped(seeAlso)}\n`,
  ].join('');
};
