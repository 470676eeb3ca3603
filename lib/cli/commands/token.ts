import { type Command, InvalidArgumentError, Option } from 'commander';
import type { StoredToken } from '../../auth/tokens.js';
import { SCOPES, type Scope } from '../../model/principal.js';
import { parseLifetime } from '../lifetime.js';
import { type Column, Output } from '../output.js';

type ShownToken = Omit<StoredToken, 'sha256'>;

const COLUMNS: readonly Column<ShownToken>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'SCOPE', value: ({ scope }) => scope },
  { title: 'MADE', value: ({ created }) => created },
  { title: 'EXPIRES', value: ({ expires }) => expires ?? 'never' },
];

const parseName = (name: string): string => {
  if (!/^[\w.@-]{1,64}$/.test(name))
    throw new InvalidArgumentError('a name has 1 to 64 letters, digits and . _ @ -');
  return name;
};

interface StoreOptions {
  configFile?: string[];
  json?: boolean;
}

const word = (text: string): string =>
  /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The options that name the same agent, as a shell takes them. */
const sameAgent = ({ configFile = [] }: StoreOptions): string =>
  configFile.map((path) => ` -c ${word(path)}`).join('');

/** The tokens of the agent on this host: they are kept in its state, and no request makes one. */
const openStore = async (command: Command) => {
  const { configFile, json = false } = command.optsWithGlobals<StoreOptions>();
  // Only now: to load them takes longer than all the rest, and help needs none of it.
  const [{ DEFAULT_CONFIG, loadConfig }, file, tokens] = await Promise.all([
    import('../../config/load.js'),
    import('../../auth/token-file.js'),
    import('../../auth/tokens.js'),
  ]);
  const { dbpath, server } = await loadConfig(configFile ?? [DEFAULT_CONFIG]);
  const isAskedFor = server.auth?.includes('token') === true;
  return { dbpath, isAskedFor, out: new Output(json), ...file, ...tokens };
};

const ofAgent = (command: Command): Command =>
  command.addOption(
    new Option(
      '-c, --config-file <path>',
      "the agent's config, which says where its state is; may be repeated",
    )
      .argParser((path: string, earlier: string[] | undefined) => [...(earlier ?? []), path])
      .default(undefined, 'the config/agent.json that comes with the agent'),
  );

/** Adds the commands that make, list and revoke tokens. A running agent knows of each within a second. */
export const addTokenCommands = (program: Command): void => {
  const token = program
    .command('token')
    .description("tokens with which clients say who they are, on the agent's own host")
    .addHelpText(
      'after',
      `
Examples:
  mistify token create ci --scope operate --expires 90d > ci.token
  mistify token list
  mistify token revoke ci`,
    );

  ofAgent(token.command('create').description('make a token and print it, for this one time'))
    .argument('<name>', 'whose it is, as the audit log will have it', parseName)
    .addOption(new Option('--scope <scope>', 'what it may do').choices([...SCOPES]).default('read'))
    .option(
      '--expires <time>',
      'for how long it is good: 12h, 30d, 2w, 1y; for ever by default',
      parseLifetime,
    )
    .action(async (name: string, options: { scope: Scope; expires?: number }, command: Command) => {
      const { dbpath, isAskedFor, out, newToken, withToken, changeTokens } = await openStore(command);
      const { token: secret, stored } = newToken(name, options.scope, options.expires);
      await changeTokens(dbpath, (tokens) => withToken(tokens, stored));
      if (out.json) out.value({ ...stored, sha256: undefined, token: secret });
      else out.line(secret);
      out.note(
        `It is for the agent whose state is in ${dbpath}; another one is named by its config, with -c.`,
      );
      if (!isAskedFor) out.note('That agent asks for no tokens: see server.auth in docs/configuration.md.');
    });

  ofAgent(token.command('list').description('the tokens, without what is secret of them')).action(
    async (_options: object, command: Command) => {
      const { dbpath, out, readTokens } = await openStore(command);
      const shown = (await readTokens(dbpath)).map(({ sha256: _, ...token }): ShownToken => token);
      const create = `mistify token create NAME${sameAgent(command.opts<StoreOptions>())}`;
      await out.list(shown, COLUMNS, { none: `no tokens: make one with ${create}` });
      out.note(`They are of the agent whose state is in ${dbpath}`);
    },
  );

  ofAgent(token.command('revoke').description('make a token worthless'))
    .argument('<name>')
    .action(async (name: string, _options: object, command: Command) => {
      const { dbpath, out, withoutToken, changeTokens } = await openStore(command);
      await changeTokens(dbpath, (tokens) => withoutToken(tokens, name));
      out.note(`${name} is revoked, of the agent whose state is in ${dbpath}`);
    });
};
