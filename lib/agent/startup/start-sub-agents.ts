import type { Config } from '../../config/load.js';
import { type Receivers, readReceivers } from '../../events/webhooks/receivers.js';
import { lockDirectory } from '../../files/directory-lock.js';
import type { FileLock } from '../../files/file-lock.js';
import { Reachable } from '../../http/reachable.js';
import type { Logger } from '../../log.js';
import { upgradeState } from '../../store/upgrade.js';
import { readBootId } from '../coming-back/boot-id.js';
import { HostState } from '../coming-back/host-state.js';
import { Secrets } from '../sub-agents/secrets.js';
import { type Supervisor, superviseServices } from '../sub-agents/supervisor.js';
import { requireFreeAddresses } from './free-addresses.js';
import { makePrivateDirs } from './private-dirs.js';

/** How long the start waits for the sub-agents of a killed agent to exit. */
const ADDRESSES_MS = 10_000;

/** What an agent has once its sub-agents are starting. */
export interface StartedSubAgents {
  secrets: Secrets;
  receivers: Receivers;
  /** Keeps other agents off its state. */
  lock: FileLock;
  host: HostState;
  supervisor: Supervisor;
}

/**
 * Takes the directory of the state, and starts the sub-agents that have a command. They come up while the caller loads the
 * rest of the agent, so this module imports little.
 * @param bootIdFile the file with the id of the host's boot; by default that of the kernel
 */
export const startSubAgents = async (
  config: Config,
  log: Logger,
  bootIdFile?: string,
): Promise<StartedSubAgents> => {
  const secrets = await Secrets.load(config.services);
  const receivers = await readReceivers(config.events, new Reachable(config.privateAddresses));
  await makePrivateDirs(config.dbpath);
  const lock = await lockDirectory(config.dbpath);
  await upgradeState(config.dbpath, log).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  const host = await HostState.open(config.dbpath, await readBootId(bootIdFile), log);
  await requireFreeAddresses(config, ADDRESSES_MS);
  return { secrets, receivers, lock, host, supervisor: superviseServices(config, secrets, log) };
};
