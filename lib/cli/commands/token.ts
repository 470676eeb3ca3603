import { type Command, Option } from 'commander';
import type { StoredToken } from '../../auth/tokens.js';
import { SCOPES, VERBS } from '../../model/rights.js';
import type { Column } from '../columns.js';
import { invalidValue } from '../failure.js';
import { parseLifetime } from '../lifetime.js';
import { Output } from '../output.js';
import {
  describeGuests,
  describeRights,
  givenGrants,
  parseGuests,
  parseRights,
  type RightsOptions,
} from '../rights-options.js';
import { requireSameAgent } from '../same-agent.js';
import { type AgentOptions, givenAddress } from '../settings.js';

type ShownToken = Omit<StoredToken, 'sha256'>;

const COLUMNS: readonly Column<ShownToken>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'CAN', value: ({ grants }) => describeRights(grants) },
  { title: 'GUESTS', value: ({ grants }) => describeGuests(grants) },
  { title: 'CREATED', value: ({ created }) => created },
  { title: 'EXPIRES', value: ({ expires }) => expires ?? 'never' },
];

const parseName = (name: string): string => {
  if (!/^[\w.@-]{1,64}$/.test(name))
    throw invalidValue('a name has 1 to 64 characters: letters, digits and . _ @ -');
  return name;
};

interface StoreOptions extends AgentOptions {
  configFile?: string[];
  json?: boolean;
}

interface CreateOptions extends RightsOptions {
  expires?: number;
}

const shellWord = (text: string): string =>
  /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Formats the options that select the same agent, quoted for a shell. */
const configOptions = ({ configFile = [] }: StoreOptions): string =>
  configFile.map((path) => ` -c ${shellWord(path)}`).join('');

/**
 * Opens the token store of the agent on this host. The API cannot create tokens.
 * @throws {Failure} when `--url` or `--socket` names another agent; so do the environment and the config file unless -c
 * chooses the state
 */
const openStore = async (command: Command) => {
  const { configFile, json = false, ...settings } = command.optsWithGlobals<StoreOptions>();
  // Loading these modules takes longer than everything else, and --help does not need them.
  const [{ DEFAULT_CONFIG, loadConfig }, file, tokens, audit] = await Promise.all([
    import('../../config/load.js'),
    import('../../auth/token-file.js'),
    import('../../auth/tokens.js'),
    import('../../audit/right-changes.js'),
  ]);
  const { dbpath, server } = await loadConfig(configFile ?? [DEFAULT_CONFIG]);
  const { inOptions, elsewhere } = givenAddress(settings, process.env);
  await requireSameAgent(inOptions ?? (configFile ? undefined : elsewhere), dbpath);
  const isRequired = server.auth?.includes('token') === true;
  return { dbpath, isRequired, out: new Output(json), ...file, ...tokens, ...audit };
};

const addConfigOption = (command: Command): Command =>
  command.addOption(
    new Option(
      '-c, --config-file <path>',
      "the agent's config file, which has the path of its state; repeatable",
    )
      .argParser((path: string, earlier: string[] | undefined) => [...(earlier ?? []), path])
      .default(undefined, 'the config/agent.json of the package'),
  );

/** Adds the commands for tokens. A running agent notices a change within a second. */
export const addTokenCommands = (program: Command): void => {
  const token = program
    .command('token')
    .description('manage the tokens of the agent on this host')
    .addHelpText(
      'after',
      `
Examples:
  mistify token create ci --scope operate --expires 90d > ci.token
  mistify token create bob --can power,console --guests tag=web
  mistify token list
  mistify token revoke ci`,
    );

  addConfigOption(
    token.command('create').description('create a token and print it; it cannot be shown again'),
  )
    .argument('<name>', 'name of the token in the audit log', parseName)
    .addOption(
      new Option('--scope <scope>', 'what the token permits, by the name of a set of rights')
        .choices([...SCOPES])
        .default(undefined, 'read'),
    )
    .addOption(
      new Option('--can <rights>', `what the token permits: ${VERBS.join(', ')}`)
        .argParser(parseRights)
        .conflicts('scope'),
    )
    .option('--guests <guests>', 'only for these guests: tag=TAG or ID, separated by commas', parseGuests)
    .option('--expires <time>', 'lifetime: 12h, 30d, 2w, 1y; unlimited by default', parseLifetime)
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const grants = givenGrants(options);
      const { dbpath, isRequired, out, newToken, withToken, changeTokens, auditRightChange } =
        await openStore(command);
      const { token: secret, stored } = newToken(name, grants, options.expires);
      await changeTokens(dbpath, (tokens) => withToken(tokens, stored));
      const { expires } = stored;
      // Before anything can fail: the token is valid now, and nobody can see it again.
      if (out.json) out.value({ ...stored, sha256: undefined, token: secret });
      else out.line(secret);
      await auditRightChange(dbpath, { change: 'token created', name, grants, expires });
      out.note(
        `The token is for the agent with its state in ${dbpath}. To choose another agent, give its config with -c.`,
      );
      if (!isRequired)
        out.note('This agent does not require tokens: see server.auth in docs/configuration.md.');
    });

  addConfigOption(token.command('list').description('list the tokens without their secrets')).action(
    async (_options: object, command: Command) => {
      const { dbpath, out, readTokens } = await openStore(command);
      const shown = (await readTokens(dbpath)).map(({ sha256: _, ...token }): ShownToken => token);
      const create = `mistify token create NAME${configOptions(command.opts<StoreOptions>())}`;
      await out.list(shown, COLUMNS, { empty: `no tokens; create one with: ${create}` });
      out.note(`Tokens of the agent with its state in ${dbpath}`);
    },
  );

  addConfigOption(token.command('revoke').description('revoke tokens: all of them, or none'))
    .argument('<name...>')
    .action(async (names: string[], _options: object, command: Command) => {
      const { dbpath, out, withoutToken, changeTokens, auditRightChange } = await openStore(command);
      const revoked = [...new Set(names)];
      await changeTokens(dbpath, (tokens) => revoked.reduce(withoutToken, tokens));
      out.note(`${revoked.join(', ')} revoked for the agent with its state in ${dbpath}`);
      for (const name of revoked) await auditRightChange(dbpath, { change: 'token revoked', name });
    });
};
