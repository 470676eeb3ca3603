import { Server as TlsServer } from 'node:tls';
import type { Server } from '@hapi/hapi';
import { type Agent, openAgent } from '../../lib/agent/agent.js';
import type { StartedSubAgents } from '../../lib/agent/startup/start-sub-agents.js';
import type { Config } from '../../lib/config/load.js';
import { removeListening, writeListening } from '../../lib/files/listening-file.js';
import { startOnSocket } from '../../lib/http/private-socket.js';
import type { Logger } from '../../lib/log.js';
import { removeStaleSocket } from '../../lib/rpc/protocol/service-address.js';
import { SOCKET } from '../../lib/server/access.js';
import { createServer, type Endpoint } from '../../lib/server/server.js';
import { reloadTls } from '../../lib/server/tls.js';
import { pages } from '../pages.js';
import { routeTable } from '../table.js';
import { formatAddress } from './address.js';
import type { Options } from './command-line.js';
import { welcomeText } from './welcome.js';

const prepareServer = ({ context }: Agent, endpoint: Endpoint): Promise<Server> =>
  createServer({ routes: routeTable, pages, context, endpoint });

const serveSocket = async (
  agent: Agent,
  { server: { socket, get_actions: getActions } }: Config,
): Promise<Server | undefined> => {
  if (!socket) return undefined;
  const server = await prepareServer(agent, { listen: { socket: socket.path }, access: SOCKET, getActions });
  await removeStaleSocket({ socket: socket.path });
  await startOnSocket(server, socket.mode);
  return server;
};

/** Serves requests on all addresses. The server is prepared while the sub-agents come up. */
const listen = async (agent: Agent, config: Config, endpoint: Endpoint): Promise<[Server, ...Server[]]> => {
  try {
    const [server] = await Promise.all([prepareServer(agent, endpoint), agent.begin()]);
    await server.start();
    const onSocket = await serveSocket(agent, config);
    return onSocket ? [server, onSocket] : [server];
  } catch (error) {
    await agent.stop();
    throw error;
  }
};

const runningJobs = ({ context }: Agent): { job: string; action: string; guest: string }[] =>
  context.jobs
    .list()
    .filter(({ Status }) => Status === 'Running')
    .map(({ ID: job, Action: action, GuestID: guest }) => ({ job, action, guest }));

/** What an agent needs to serve requests. */
export interface Serving {
  options: Options;
  config: Config;
  /** The TCP endpoint. */
  endpoint: Endpoint;
  subAgents: StartedSubAgents;
  /** Whether this is a checkout, where the demo can be run. */
  hasDemo: boolean;
  log: Logger;
}

/** Opens the agent's state, and serves requests until SIGINT or SIGTERM. */
export const serve = async ({
  options,
  config,
  endpoint,
  subAgents,
  hasDemo,
  log,
}: Serving): Promise<void> => {
  const { address, configFile, drainTimeout } = options;
  const agent = await openAgent(config, log, subAgents);
  const servers = await listen(agent, config, endpoint);
  const stop = async (): Promise<void> => {
    const jobs = runningJobs(agent);
    log.info(
      { seconds: drainTimeout, jobs },
      'agent stopping: new actions are rejected, running jobs get time to finish, guests keep running',
    );
    await agent.drain(drainTimeout * 1000);
    const left = runningJobs(agent);
    if (left.length > 0) log.warn({ jobs: left }, 'jobs still running, left to the next start');
    await Promise.all(servers.map((each) => each.stop()));
    await removeListening(config.dbpath);
    await agent.stop();
    log.info('agent stopped');
    process.exit(0);
  };
  const [{ listener, info }] = servers;
  if (config.server.tls && listener instanceof TlsServer) reloadTls(listener, config.server.tls, log);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
  const listening = formatAddress({ host: address.host, port: Number(info.port) });
  log.info({ address: listening, dbpath: config.dbpath }, 'agent listening');
  const url = `${info.protocol}://${listening}`;
  const { socket } = config.server;
  await writeListening(config.dbpath, { url, ...(socket ? { socket: socket.path } : {}) }).catch(
    (err: unknown) =>
      log.warn({ err }, 'address not recorded: `mistify token` cannot tell whether its --url is this agent'),
  );
  process.stderr.write(welcomeText({ url, address: listening, server: config.server, configFile, hasDemo }));
};
