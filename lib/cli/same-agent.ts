import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { type Listening, readListening } from '../files/listening-file.js';
import { usageFailure } from './failure.js';
import { DEFAULT_URL, type GivenAddress } from './settings.js';

/** Whether the name or address is one of this machine. */
const isHere = async (host: string): Promise<boolean> => {
  const local = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.map(({ address }) => address),
  );
  const resolved = await lookup(host.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []);
  return resolved.some(({ address }) => address.startsWith('127.') || local.includes(address));
};

const portOf = ({ protocol, port }: URL): string => port || (protocol === 'https:' ? '443' : '80');

/** Whether a client at the address reaches the agent that listens there. */
const isSame = (address: string, { url, socket }: Listening): boolean => {
  if (address.startsWith('unix:')) return address === `unix:${socket}`;
  const [wanted, actual] = [new URL(address), new URL(url)];
  return wanted.protocol === actual.protocol && portOf(wanted) === portOf(actual);
};

const listenersOf = ({ url, socket }: Listening): string => (socket ? `${url} and unix:${socket}` : url);

/**
 * Requires that the agent at the address that the user gave is the one with this state: tokens go into the state, not
 * over the network.
 * @param given the address; absent when the user gave none
 * @throws {Failure} when it is another agent, or cannot be shown to be this one
 */
export const requireSameAgent = async (given: GivenAddress | undefined, dbpath: string): Promise<void> => {
  if (!given) return;
  const { address, source } = given;
  const hint = `To work on the state in ${dbpath} all the same, leave out the address; for another state, give its agent's config with -c.`;
  const conflict = (why: string): never => {
    throw usageFailure(`${source} names ${address}, ${why}`, hint);
  };
  const url = URL.canParse(address) ? new URL(address) : conflict('which is not a URL');
  if (url.protocol !== 'unix:' && !(await isHere(url.hostname)))
    conflict('an agent on another host: create, list and revoke its tokens there');
  const listening = await readListening(dbpath);
  if (listening && !isSame(address, listening))
    conflict(`but the agent with its state in ${dbpath} listens on ${listenersOf(listening)}`);
  if (!listening && address.replace(/\/$/, '') !== DEFAULT_URL)
    conflict(`but no agent with its state in ${dbpath} is running`);
};
