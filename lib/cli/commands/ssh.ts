import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';
import type { Guest, MistifyClient } from '../../client/index.js';
import { errorMessage, isErrno } from '../../errors.js';
import { USER_NETWORK } from '../../model/nics.js';
import { reachableAddresses } from '../../portable/reachable-addresses.js';
import { EXIT } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { guestId, nameOf } from '../names.js';
import { withSession } from '../session.js';

interface SshOptions {
  login?: string;
}

const NOTES = `
Runs the ssh of this machine with the best known address of the guest: see mistify guest addresses. What follows -- goes to
ssh, which takes options there, too. The host key is remembered for the guest, whatever its address.

Examples:
  mistify ssh web
  mistify ssh web -l admin -- uptime
  mistify ssh web -- -J jump.example.org`;

const addressOf = async (client: MistifyClient, guest: Guest): Promise<string> => {
  const [address] = reachableAddresses(guest, await client.guests.addresses(guest.id));
  if (address !== undefined) return address;
  throw new Failure(
    EXIT.refused,
    `guest ${nameOf(guest) ?? guest.id} has no address that is known and can be reached`,
    `Install qemu-guest-agent in it, which tells its addresses: mistify guest addresses. A NIC on network ${USER_NETWORK} cannot be reached. There is always: mistify console`,
  );
};

const runSsh = async (args: string[]): Promise<number> => {
  const child = spawn('ssh', args, { stdio: 'inherit' });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? EXIT.failed;
  } catch (error) {
    const hint = isErrno(error, 'ENOENT') ? 'Install the OpenSSH client.' : undefined;
    throw new Failure(EXIT.failed, `cannot run ssh: ${errorMessage(error)}`, hint);
  }
};

export const addSshCommand = (program: Command): void => {
  program
    .command('ssh <guest> [arguments...]')
    .description('log in to a guest with the ssh of this machine')
    .option('-l, --login <user>', 'user in the guest')
    .addHelpText('after', NOTES)
    .action(
      withSession(async ({ client }, text: string, args: string[], { login }: SshOptions) => {
        const guest = await client.guests.get(await guestId(client, text));
        const address = await addressOf(client, guest);
        process.exitCode = await runSsh([
          ...['-o', `HostKeyAlias=mistify-${guest.id}`],
          ...(login ? ['-l', login] : []),
          address,
          ...args,
        ]);
      }),
    );
};
