import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Column } from '../columns.js';
import { type Contexts, contextsPath, readContexts, requireContext, writeContexts } from '../contexts.js';
import { EXIT } from '../exit-codes.js';
import { Failure, invalidValue, usageFailure } from '../failure.js';
import { Output } from '../output.js';
import type { GlobalOptions } from '../session.js';
import type { Settings } from '../settings-file.js';

const NOTES = `
A context is an agent: its address, and what this user shows it, such as a token. "context add" takes them from the options
that every command has. They are kept in contexts.json in ~/.config/mistify, which only you can read. A token that is kept
there is as good as a password; --token-file keeps only where it is.

The current context is used by all commands, --context NAME or MISTIFY_CONTEXT another one. An address in an option or in
the environment (--url, MISTIFY_URL) is used without a context.

Examples:
  mistify context add lab --url https://lab.example.org:8443 --token-file ~/lab.token --ca ~/lab-ca.pem
  mistify context use lab
  mistify --context shop guest list`;

/** A context as it is shown: without its token. */
interface ShownContext extends Omit<Settings, 'token'> {
  name: string;
  current: boolean;
  /** Whether its token is kept with it. */
  hasToken: boolean;
}

const shown = ({ current, contexts }: Contexts, name: string): ShownContext => {
  const { token, ...settings } = requireContext({ contexts }, name);
  return { name, current: name === current, ...settings, hasToken: token !== undefined };
};

const credentials = ({ hasToken, tokenFile, cert }: ShownContext): string => {
  if (hasToken) return 'token';
  return tokenFile ?? cert ?? 'none';
};

const COLUMNS: readonly Column<ShownContext>[] = [
  { title: 'CURRENT', value: ({ current }) => (current ? '*' : '') },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'ADDRESS', value: ({ url, socket }) => (socket === undefined ? url : `unix:${socket}`) },
  { title: 'CREDENTIALS', value: credentials },
];

const parseName = (name: string): string => {
  if (!/^[\w.@-]{1,64}$/.test(name))
    throw invalidValue('a name has 1 to 64 characters: letters, digits and . _ @ -');
  return name;
};

const outputOf = (command: Command): Output =>
  new Output(command.optsWithGlobals<GlobalOptions>().json ?? false);

/** Takes a context from the connection options; its files are found from any directory. */
const settingsOf = ({ url, socket, token, tokenFile, ca, cert, key }: GlobalOptions): Settings => {
  if (!url && !socket)
    throw usageFailure('a context needs the address of an agent: give --url URL or --socket PATH');
  if (url && !/^https?:\/\/[^/]/.test(url)) throw usageFailure(`${url} is not an http or https URL`);
  const files = Object.entries({ socket, tokenFile, ca, cert, key }).flatMap(([name, path]) =>
    path === undefined ? [] : [[name, resolve(path)]],
  );
  return { ...(url ? { url } : {}), ...(token ? { token } : {}), ...Object.fromEntries(files) };
};

const addAdd = (context: Command): void => {
  context
    .command('add')
    .description('add an agent by the options --url or --socket, --token-file, --token, --ca, --cert, --key')
    .argument('<name>', 'name of the context', parseName)
    .option('--use', 'make it the current one, as the first is')
    .option('--replace', 'replace a context of this name')
    .action(
      async (name: string, { use, replace }: { use?: boolean; replace?: boolean }, command: Command) => {
        const out = outputOf(command);
        const settings = settingsOf(command.optsWithGlobals<GlobalOptions>());
        const before = readContexts(process.env);
        if (Object.hasOwn(before.contexts, name) && !replace)
          throw new Failure(EXIT.refused, `context ${name} exists already`, 'To replace it: --replace');
        const isFirst = Object.keys(before.contexts).length === 0;
        const current = use || isFirst ? name : before.current;
        const contexts = { ...before.contexts, [name]: settings };
        const after = { ...(current === undefined ? {} : { current }), contexts };
        await writeContexts(process.env, after);
        if (out.json) out.value(shown(after, name));
        else out.line(`context ${name}: added${current === name ? ', and current' : ''}`);
      },
    );
};

const addUse = (context: Command): void => {
  context
    .command('use [context]')
    .description('make a context the current one; without a name, none')
    .action(async (name: string | undefined, _options: object, command: Command) => {
      const { contexts } = readContexts(process.env);
      if (name !== undefined) requireContext({ contexts }, name);
      await writeContexts(process.env, { ...(name === undefined ? {} : { current: name }), contexts });
      const out = outputOf(command);
      if (!out.json) out.line(name === undefined ? 'no context is current' : `context ${name}: current`);
    });
};

const addRemove = (context: Command): void => {
  context
    .command('remove <context...>')
    .description('remove contexts: all of them, or none')
    .action(async (names: string[], _options: object, command: Command) => {
      const before = readContexts(process.env);
      for (const name of names) requireContext(before, name);
      const kept = Object.entries(before.contexts).filter(([name]) => !names.includes(name));
      const { current } = before;
      await writeContexts(process.env, {
        ...(current === undefined || names.includes(current) ? {} : { current }),
        contexts: Object.fromEntries(kept),
      });
      outputOf(command).note(`${names.join(', ')} removed from ${contextsPath(process.env)}`);
    });
};

/** Adds the commands for the agents that this user works with. They ask no agent. */
export const addContextCommands = (program: Command): void => {
  const context = program
    .command('context')
    .description('manage the agents that you work with: their addresses and tokens')
    .addHelpText('after', NOTES);
  context
    .command('list')
    .description('list the contexts')
    .action(async (_options: object, command: Command) => {
      const found = readContexts(process.env);
      const items = Object.keys(found.contexts).map((name) => shown(found, name));
      await outputOf(command).list(items, COLUMNS, {
        empty: 'no contexts; add one with: mistify context add NAME --url URL',
      });
    });
  context
    .command('show [context]')
    .description('show a context, by default the current one, without its token')
    .action(async (name: string | undefined, _options: object, command: Command) => {
      const found = readContexts(process.env);
      const wanted = name ?? found.current;
      if (wanted === undefined)
        throw usageFailure('no context is current', 'To choose one: mistify context use NAME');
      await outputOf(command).one(shown(found, wanted));
    });
  addAdd(context);
  addUse(context);
  addRemove(context);
};
