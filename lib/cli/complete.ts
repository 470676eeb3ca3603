import { type ArgumentHandler, RootCommand } from '@bomb.sh/tab';
import type { Command, Option } from 'commander';
import type { MistifyClient } from '../client/index.js';
import { shortId } from '../portable/format.js';
import { readContexts } from './contexts.js';
import { nameOf } from './names.js';
import { escapeControls } from './printable.js';
import { connect, type GlobalOptions } from './session.js';

/** Short, because the shell waits. */
const TIMEOUT_SECONDS = 2;

interface Word {
  value: string;
  description: string;
}

type Words = Record<string, readonly Word[]>;

/** Returns the word if it has no character that is special to a shell: shells insert words unquoted. */
const shellSafe = (word: string | undefined): string | undefined =>
  word !== undefined && /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.:@+,=/-]*$/u.test(word) ? word : undefined;

const guestWords = async (client: MistifyClient): Promise<Word[]> => {
  const { items } = await client.guests.list({ limit: 1000, fields: ['id', 'state', 'metadata'] });
  return items.map((guest) => ({
    value: shellSafe(nameOf(guest)) ?? guest.id,
    description: [guest.state, nameOf(guest) ? shortId(guest.id) : ''].filter(Boolean).join(', '),
  }));
};

const imageWords = async (client: MistifyClient): Promise<Word[]> =>
  (await client.images.list({ fields: ['id', 'type'] })).items
    .filter(({ id }) => shellSafe(id))
    .map(({ id, type }) => ({ value: id, description: type }));

const volumeWords = async (client: MistifyClient): Promise<Word[]> =>
  (await client.volumes.list({ fields: ['name'] })).items.map(({ name }) => ({
    value: name,
    description: 'volume',
  }));

const jobWords = async (client: MistifyClient): Promise<Word[]> =>
  (await client.jobs.list({ limit: 50 })).items.map(({ ID, Action, Status }) => ({
    value: ID,
    description: `${Action}, ${Status}`,
  }));

const backupWords = async (client: MistifyClient): Promise<Word[]> =>
  (await client.backups.list({ fields: ['id', 'guest', 'name', 'created'] })).items.map(
    ({ id, guest, name, created }) => ({ value: id, description: `${name ?? shortId(guest)}, ${created}` }),
  );

const scheduleWords = async (client: MistifyClient): Promise<Word[]> =>
  (await client.schedules.list({ fields: ['name', 'action', 'cron'] })).items.map(
    ({ name, action, cron }) => ({ value: name, description: `${action}, ${cron}` }),
  );

const tagWords = async (client: MistifyClient): Promise<Word[]> => {
  const { items } = await client.guests.list({ limit: 1000, fields: ['tags'] });
  return [...new Set(items.flatMap(({ tags = [] }) => tags))].map((value) => ({ value, description: 'tag' }));
};

/** Fetches words from the agent, by the name of the argument or option that they complete. */
const SOURCES: Record<string, (client: MistifyClient) => Promise<Word[]>> = {
  guest: guestWords,
  image: imageWords,
  volume: volumeWords,
  job: jobWords,
  backup: backupWords,
  schedule: scheduleWords,
  tag: tagWords,
};

const contextWords = (): Word[] => {
  try {
    const { current, contexts } = readContexts(process.env);
    return Object.entries(contexts).map(([name, { url, socket }]) => ({
      value: name,
      description: `${url ?? socket ?? ''}${name === current ? ', current' : ''}`,
    }));
  } catch {
    return [];
  }
};

/** Fetches all words. Errors are ignored, because the user is still typing. */
const fetchWords = async (options: GlobalOptions): Promise<Words> => {
  try {
    const client = await connect({ ...options, timeout: TIMEOUT_SECONDS }, 0);
    const found = Object.entries(SOURCES).map(
      async ([name, source]) => [name, await source(client).catch(() => [])] as const,
    );
    return Object.fromEntries(await Promise.all(found));
  } catch {
    return {};
  }
};

const handlerOf = (words: readonly Word[] | undefined): ArgumentHandler | undefined =>
  words &&
  ((complete) => {
    for (const { value, description } of words) complete(value, escapeControls(description));
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
  const handler = handlerOf(choices(option.argChoices) ?? words[name]) ?? (() => {});
  if (takesValue) target.option(name, option.description, handler as () => void, short);
  else target.option(name, option.description, short);
};

/** Converts the tree of commands for the completion library. */
const treeOf = (program: Command, words: Words): RootCommand => {
  const root = new RootCommand();
  const add = (command: Command, path: string): void => {
    const target = path === '' ? root : root.command(path, command.description());
    const help = Object.assign(command.createHelp(), { showGlobalOptions: true });
    for (const option of [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)])
      addOption(target, option, words);
    for (const argument of command.registeredArguments)
      target.argument(
        argument.name(),
        handlerOf(choices(argument.argChoices) ?? words[argument.name()]),
        argument.variadic,
      );
    for (const child of help.visibleCommands(command)) add(child, `${path} ${child.name()}`.trim());
  };
  add(program, '');
  return root;
};

/** Parses the connection options on the unfinished line. */
const parseConnection = (program: Command, words: readonly string[]): GlobalOptions => {
  try {
    program.parseOptions([...words]);
  } catch {
    // An unfinished line may be invalid.
  }
  return program.opts<GlobalOptions>();
};

/** Prints the words that may come next, for the script of a shell. */
export const complete = async (program: Command, words: readonly string[]): Promise<void> => {
  const known = await fetchWords(parseConnection(program, words));
  treeOf(program, { ...known, context: contextWords() }).parse([...words]);
};
