import { type ArgumentHandler, RootCommand } from '@bomb.sh/tab';
import type { Command, Option } from 'commander';
import type { MistifyClient } from '../client/index.js';
import { shortId, visible } from '../portable/format.js';
import { nameOf } from './names.js';
import { connect, type GlobalOptions } from './session.js';

/** A shell waits for it. */
const SECONDS = 2;

interface Word {
  value: string;
  description: string;
}

type Words = Record<string, readonly Word[]>;

/** A shell puts a word on the line as it is, and a name may hold anything: only what means nothing to a shell. */
const typeable = (word: string | undefined): string | undefined =>
  word !== undefined && /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.:@+,=/-]*$/u.test(word) ? word : undefined;

const guestWords = async (client: MistifyClient): Promise<Word[]> => {
  const { items } = await client.guests.list({ limit: 1000, fields: ['id', 'state', 'metadata'] });
  return items.map((guest) => ({
    value: typeable(nameOf(guest)) ?? guest.id,
    description: [guest.state, nameOf(guest) ? shortId(guest.id) : ''].filter(Boolean).join(', '),
  }));
};

const imageWords = async (client: MistifyClient): Promise<Word[]> =>
  (await client.images.list({ fields: ['id', 'type'] })).items
    .filter(({ id }) => typeable(id))
    .map(({ id, type }) => ({ value: id, description: type }));

const jobWords = async (client: MistifyClient): Promise<Word[]> =>
  (await client.jobs.list({ limit: 50 })).items.map(({ ID, Action, Status }) => ({
    value: ID,
    description: `${Action}, ${Status}`,
  }));

/** Words that only the agent knows, by the name of the argument or option that they are for. */
const SOURCES: Record<string, (client: MistifyClient) => Promise<Word[]>> = {
  guest: guestWords,
  image: imageWords,
  job: jobWords,
};

/** An agent that is not there completes nothing, quietly: the line is still being typed. */
const wordsOfAgent = async (options: GlobalOptions): Promise<Words> => {
  try {
    const client = await connect({ ...options, timeout: SECONDS }, 0);
    const found = Object.entries(SOURCES).map(
      async ([name, source]) => [name, await source(client).catch(() => [])] as const,
    );
    return Object.fromEntries(await Promise.all(found));
  } catch {
    return {};
  }
};

const offering = (words: readonly Word[] | undefined): ArgumentHandler | undefined =>
  words &&
  ((complete) => {
    for (const { value, description } of words) complete(value, visible(description));
  });

const choices = (values: readonly string[] | undefined): readonly Word[] | undefined =>
  values?.map((value) => ({ value, description: '' }));

const addOption = (
  target: RootCommand | ReturnType<RootCommand['command']>,
  option: Option,
  words: Words,
) => {
  const name = option.long?.slice(2);
  if (name === undefined) return;
  const short = option.short?.slice(1);
  const takesValue = option.required || option.optional;
  const offered = offering(choices(option.argChoices) ?? words[name]) ?? (() => {});
  if (takesValue) target.option(name, option.description, offered as () => void, short);
  else target.option(name, option.description, short);
};

/** The tree of commands as the completion library has it. */
const treeOf = (program: Command, words: Words): RootCommand => {
  const root = new RootCommand();
  const add = (command: Command, path: string): void => {
    const target = path === '' ? root : root.command(path, command.description());
    const help = command.createHelp();
    for (const option of [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)])
      addOption(target, option, words);
    for (const argument of command.registeredArguments)
      target.argument(
        argument.name(),
        offering(choices(argument.argChoices) ?? words[argument.name()]),
        argument.variadic,
      );
    for (const child of help.visibleCommands(command)) add(child, `${path} ${child.name()}`.trim());
  };
  add(program, '');
  return root;
};

/** The agent that the line, as far as it is typed, names. */
const optionsIn = (program: Command, words: readonly string[]): GlobalOptions => {
  try {
    program.parseOptions([...words]);
  } catch {
    // A line that is not finished may make no sense yet.
  }
  return program.opts<GlobalOptions>();
};

/** Prints what may come next on a command line, for the script of a shell. */
export const complete = async (program: Command, words: readonly string[]): Promise<void> => {
  const known = await wordsOfAgent(optionsIn(program, words));
  treeOf(program, known).parse([...words]);
};
