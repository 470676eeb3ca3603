import { type Command, InvalidArgumentError, Option } from 'commander';
import { SCOPES, type Scope } from '../lib/auth/principal.js';
import { changeTokens, readTokens } from '../lib/auth/token-file.js';
import { hasExpired, newToken, withoutToken, withToken } from '../lib/auth/tokens.js';

const UNIT_MS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };

/** Reads `12h`, `30d`, `2w` or `1y`, as milliseconds. */
export const parseLifetime = (text: string): number => {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([hdwy])$/.exec(text) ?? [];
  if (!count) throw new InvalidArgumentError('give hours, days, weeks or years: 12h, 30d, 2w, 1y');
  return Number(count) * (UNIT_MS[unit] ?? 0);
};

const parseName = (name: string): string => {
  if (!/^[\w.@-]{1,64}$/.test(name))
    throw new InvalidArgumentError('a name has 1 to 64 letters, digits and . _ @ -');
  return name;
};

const write = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

interface Creation {
  scope: Scope;
  expires?: number;
}

/**
 * Adds the commands that make, list and revoke tokens. A running agent knows of each within a second.
 * @param dbpathOf finds the state's directory
 */
export const addTokenCommands = (program: Command, dbpathOf: () => Promise<string>): void => {
  const token = program.command('token').description('Make, list and revoke the tokens that clients show');
  token
    .command('create')
    .description('Make a token and print it, for this one time')
    .argument('<name>', 'whose it is, as the audit log will have it', parseName)
    .addOption(new Option('--scope <scope>', 'what it may do').choices([...SCOPES]).default('read'))
    .option(
      '--expires <time>',
      'for how long it is good: 12h, 30d, 2w, 1y; for ever by default',
      parseLifetime,
    )
    .action(async (name: string, { scope, expires }: Creation) => {
      const { token: secret, stored } = newToken(name, scope, expires);
      await changeTokens(await dbpathOf(), (tokens) => withToken(tokens, stored));
      write(secret);
    });
  token
    .command('list')
    .description('List the tokens, without what is secret of them')
    .action(async () => {
      for (const stored of await readTokens(await dbpathOf())) {
        const until = stored.expires
          ? `${hasExpired(stored) ? 'expired' : 'until'} ${stored.expires}`
          : 'for ever';
        write(`${stored.name}\t${stored.scope}\t${until}`);
      }
    });
  token
    .command('revoke')
    .description('Make a token worthless')
    .argument('<name>')
    .action(async (name: string) => {
      await changeTokens(await dbpathOf(), (tokens) => withoutToken(tokens, name));
      write(`${name} is revoked`);
    });
};
