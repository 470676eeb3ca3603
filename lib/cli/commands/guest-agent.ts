import { text as readText } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { GuestAgentInfo } from '../../client/index.js';
import type { ClockChange, Trim } from '../../model/in-guest.js';
import { formatMb } from '../../portable/format.js';
import { EXIT } from '../exit-codes.js';
import { Failure, usageFailure } from '../failure.js';
import { guestId, guestsNamed } from '../names.js';
import { actOnEach } from '../report-jobs.js';
import { withSession } from '../session.js';
import { readKeyFile } from '../ssh-keys.js';

/** Describes what a guest's agent says, one fact a line. */
const describe = (info: GuestAgentInfo): Record<string, unknown> => {
  const { version, abilities, hostname, os = {}, addresses, fileSystems, users, timezone } = info;
  const allowed = Object.entries(abilities ?? {}).filter(([, isAllowed]) => isAllowed);
  return {
    agent: version,
    allows: allowed.map(([ability]) => ability).join(', ') || 'nothing',
    ...(hostname === undefined ? {} : { hostname }),
    os: [os.name, os.version].filter(Boolean).join(' ') || undefined,
    kernel: os.kernel,
    ...(timezone ? { timezone: timezone.name ?? `UTC+${timezone.offset} s` } : {}),
    addresses: addresses?.map(
      (found) =>
        `${found.address}/${found.prefix} on ${found.interface}${found.nic === undefined ? '' : ` (NIC ${found.nic})`}`,
    ),
    'file systems': fileSystems?.map(({ mountpoint, type, size, used, disks }) =>
      [
        `${mountpoint} (${type})`,
        used !== undefined && size !== undefined ? `${formatMb(used)} of ${formatMb(size)}` : '',
        disks.length > 0 ? `on ${disks.join(', ')}` : '',
      ]
        .filter(Boolean)
        .join(' '),
    ),
    users: users?.map(({ name, since }) => `${name} since ${since}`),
  };
};

const linesOf = (info: GuestAgentInfo): string[] =>
  Object.entries(describe(info)).flatMap(([name, value]) =>
    [value ?? []].flat().map((line) => `${`${name}:`.padEnd(14)}${line}`),
  );

const addInfo = (guest: Command): void => {
  guest
    .command('agent <guest>')
    .description(
      'show what the guest agent of a virtual machine says: system, addresses, file systems, users',
    )
    .action(
      withSession(async ({ client, out }, text: string) => {
        const info = await client.agentOf(await guestId(client, text)).info();
        if (out.json) return out.value(info);
        if (!info.responds) throw new Failure(EXIT.refused, info.reason ?? 'no guest agent responds');
        for (const line of linesOf(info)) out.line(line);
      }),
    );
};

/** Reads a password from standard input, up to the end of its first line. */
const readPassword = async (): Promise<string> => {
  if (process.stdin.isTTY)
    throw usageFailure(
      'the password comes from standard input, which other users cannot see',
      'Example: mistify guest set-password web root < password-file',
    );
  const [password = ''] = (await readText(process.stdin)).split(/\r?\n/);
  if (password === '') throw usageFailure('the password is empty: give it on standard input');
  return password;
};

const addPassword = (guest: Command): void => {
  guest
    .command('set-password <guest> <user>')
    .description('set the password of a user in a virtual machine, read from standard input')
    .option('--crypted', 'the password is a hash as in /etc/shadow')
    .action(
      withSession(async ({ client, out }, text: string, user: string, { crypted }: { crypted?: boolean }) => {
        const password = await readPassword();
        const id = await guestId(client, text);
        await client.agentOf(id).setPassword({ user, password, ...(crypted ? { crypted } : {}) });
        out.line(`The password of ${user} is set.`);
      }),
    );
};

const addSshKey = (guest: Command): void => {
  guest
    .command('ssh-key')
    .description('manage the SSH keys of a virtual machine')
    .command('add <guest> <user> <file>')
    .description('let the public keys in a file log in as a user of a virtual machine')
    .option('--replace', "remove the user's other keys")
    .addHelpText('after', '\nExample:\n  mistify guest ssh-key add web root ~/.ssh/id_ed25519.pub')
    .action(
      withSession(
        async (
          { client, out },
          text: string,
          user: string,
          file: string,
          { replace }: { replace?: boolean },
        ) => {
          const keys = await readKeyFile(file);
          const id = await guestId(client, text);
          await client.agentOf(id).addSshKeys({ user, keys, ...(replace ? { replace } : {}) });
          out.line(`${keys.length === 1 ? 'The key' : `${keys.length} keys`} may log in as ${user}.`);
        },
      ),
    );
};

/** What names a guest in a line, among several. */
const prefix = (guests: readonly unknown[], label: string): string => (guests.length > 1 ? `${label}: ` : '');

const addTrim = (guest: Command): void => {
  guest
    .command('trim <guest...>')
    .description('let virtual machines give back the blocks that their file systems do not use')
    .action(
      withSession(async (session, texts: string[]) => {
        const { client } = session;
        const guests = await guestsNamed(client, texts);
        const acts = guests.map(({ id, label }) => ({
          title: `trim ${label}`,
          run: () => client.agentOf(id).trim(),
          lines: ({ fileSystems }: Trim) =>
            fileSystems.map(
              ({ mountpoint, trimmed, error }) =>
                `${prefix(guests, label)}${mountpoint}: ${error ?? (trimmed === undefined ? 'trimmed' : formatMb(trimmed))}`,
            ),
        }));
        await actOnEach(session, acts);
      }),
    );
};

const addClock = (guest: Command): void => {
  guest
    .command('set-clock <guest...>')
    .description('set the clocks of virtual machines to that of the host')
    .action(
      withSession(async (session, texts: string[]) => {
        const { client } = session;
        const guests = await guestsNamed(client, texts);
        const acts = guests.map(({ id, label }) => ({
          title: `set the clock of ${label}`,
          run: () => client.agentOf(id).setClock(),
          lines: ({ lag }: ClockChange) => [
            `${prefix(guests, label)}The clock is set. It was ${Math.abs(lag).toFixed(1)} s ${lag < 0 ? 'ahead' : 'behind'}.`,
          ],
        }));
        await actOnEach(session, acts);
      }),
    );
};

/** Adds the commands that a virtual machine's guest agent carries out. */
export const addAgentCommands = (guest: Command): void => {
  addInfo(guest);
  addPassword(guest);
  addSshKey(guest);
  addTrim(guest);
  addClock(guest);
};
